"""The simulator is believed because the real thing does the same: one workload, once for real and once in simulated time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from agent.brains.scripted.inprocess import ScriptedMind
from murmur import keys
from murmur.config import FlockConfig
from murmur.simulate import time as virtual
from murmur.simulate.faults import rough_carrier
from murmur.simulate.flock import SimulatedFlock
from murmur.simulate.profile import Profile
from murmur.simulate.weather import Weather
from tests.e2e.flock import documents, flock

MAP = "Digest every document, then write one index."
THINK_SECONDS = 1.5
ALLOWED = 0.2
HERE = Profile("this machine", delivery_seconds=0.1, delivery_sigma=0.3)
"""Events of the embedded endpoint."""


def config(agents: int) -> dict[str, object]:
    return {"concurrency": agents, "loopIntervalSeconds": 5.0, "minTurnGapSeconds": 0.2, "staggerSeconds": 5.0}


async def simulated(agents: int, given: dict[str, bytes]) -> int:
    minds = [ScriptedMind(think_seconds=THINK_SECONDS, pause=asyncio.sleep) for _ in range(agents)]
    clock = virtual.VirtualClock()
    made = SimulatedFlock(
        FlockConfig.parse(config(agents)),
        lambda agent: minds[agent],
        clock,
        7,
        carrier=rough_carrier(Weather(HERE, Random(7), clock)),
    )
    for name, body in given.items():
        await made.store.put(keys.KNOWLEDGE + name, body)
    await made.start(MAP)
    assert await made.until("settled", within_seconds=600) == "settled"
    turns = sum(loop.counters.turns for loop in made.fleet.loops.values())
    await made.stop()
    return turns


async def real(home: Path, agents: int, given: dict[str, bytes]) -> int:
    async with flock(home, think_seconds=THINK_SECONDS) as running:
        await running.knowledge(given)
        await running.start(MAP, **config(agents))
        status = await running.until_state("settled")
        await running.check_logs(agents)
        return int(status["totals"]["turns"])


@pytest.mark.slow
@pytest.mark.parametrize("agents", [8, 16])
async def test_real_agents_take_as_many_turns_as_simulated_ones(tmp_path: Path, agents: int) -> None:
    given = documents(5 * agents)
    expected = await asyncio.to_thread(virtual.run, simulated(agents, given))
    taken = await real(tmp_path / "home", agents, given)
    assert taken == pytest.approx(expected, rel=ALLOWED)
