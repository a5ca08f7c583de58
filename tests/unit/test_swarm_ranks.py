"""Whoever asks whom a swarm member reads gets the same answer: the agent itself, the settle rule and the status."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.reader import SharedReader
from agent.view import View
from functions.lifecycle.settle import SettleWatch
from murmur import keys, quiet
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.memory.store import MemoryStore
from murmur.ports import StoredObject
from murmur.roster import Roster
from tests.unit.api_twins import RUN, Flock, entry, flock

SIZE = 5
WROTE = {0: "06:00:00.900", 1: "06:00:00.100", 2: "06:00:00.300", 3: "06:00:00.700", 4: "06:00:00.500"}
NEAR = {0: (3, 4), 1: (0, 3), 2: (0, 3), 3: (0, 4), 4: (0, 3)}


async def begun() -> Flock:
    world = flock()
    config = FlockConfig(concurrency=SIZE, algorithm="swarm", swarmK=2)
    await world.store.put(keys.CONFIG, config.to_json())
    await world.store.put(keys.ROSTER, Roster.plan(RUN, config, "").to_json())
    await world.be("running")
    for agent, time in WROTE.items():
        await world.log(agent, entry(0, ts=f"2026-11-23T{time}Z", state="idle"))
        await world.heartbeat(agent)
    return world


def in_whole_seconds(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads tell times as HTTP does, in whole seconds; listings go on telling them as they are, and order them otherwise."""
    get = store.get

    async def rounded(key: str, **more: Any) -> StoredObject:
        return replace(await get(key, **more), modified=datetime(2026, 11, 23, 7, tzinfo=UTC))

    monkeypatch.setattr(MemoryStore, "get", lambda _self, key, **more: rounded(key, **more))


async def test_an_agent_ranks_by_what_the_logs_say_and_not_by_when_the_objects_were_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await begun()
    in_whole_seconds(world.store, monkeypatch)
    for agent, near in NEAR.items():
        view = View(world.store, SharedReader(world.store), agent, SIZE, RUN)
        await view.look()
        assert view.neighbours == near


async def test_the_settle_rule_asks_of_each_agent_what_the_agent_itself_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await begun()
    asked: list[dict[int, tuple[int, ...]]] = []
    judge = quiet.judge
    monkeypatch.setattr(
        quiet, "judge", lambda flock, near, documents: asked.append(dict(near)) or judge(flock, near, documents)
    )
    config = FlockConfig(concurrency=SIZE, algorithm="swarm", swarmK=2)
    await SettleWatch(world.store, world.fabric).check(
        Control(state="running", run=RUN), Roster.plan(RUN, config, ""), config
    )
    assert asked[0] == NEAR


async def test_the_status_shows_the_same_neighbours() -> None:
    world = await begun()
    agents = (await world.call("GET", "/cluster/status")).json["agents"]
    assert {agent["id"]: tuple(agent["neighbours"]) for agent in agents} == NEAR
