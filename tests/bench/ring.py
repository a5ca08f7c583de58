"""News round a ring: the real loop woken by events, the same loop deaf to them, and the design that takes a turn every interval."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any, Final

from agent.loop import AgentLoop
from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from murmur import keys, ring
from murmur.ports import Message
from murmur.simulate.polling import PollingLoop
from tests.bench.findings import Findings, Table
from tests.bench.simulated import simulated
from tests.bench.site import Site, all_idle, ended, site
from tests.bench.stats import median, number, percentile, ratio, times

AGENTS: Final = 8
THINK_SECONDS: Final = 0.4
INTERVAL_SECONDS: Final = 0.6
ROUNDS: Final = 5
REST_SECONDS: Final = 2.0
"""Between two pieces of news: until everybody has passed the one on, and rests."""
ROUND_LIMIT_SECONDS: Final = 30.0
_NEWS: Final = re.compile(r"heron (\d+) has landed")


class Herald:
    """A Mind that thinks for a while, and passes each piece of news on once."""

    scripted = True

    def __init__(self, agent: int, told: dict[int, dict[int, float]]) -> None:
        """``told``: when each agent passed each piece of news on, by news and agent; shared by the flock."""
        self._agent = agent
        self._told = told
        self._newest = 0

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        """See ``Mind.run``."""
        desk.listed.set()
        await asyncio.sleep(THINK_SECONDS)
        newest = max((int(number) for number in _NEWS.findall(prompt)), default=0)
        if newest > self._newest:
            self._newest = newest
            self._told.setdefault(newest, {})[self._agent] = time.monotonic()
            await desk.broadcast("passed on", f"heron {newest} has landed", "rest", "working")
        else:
            await desk.broadcast("looked", "nothing new", "rest", "idle")
        return TurnOutcome("end_turn")

    async def close(self) -> None:
        """See ``Mind.close``."""


class _DeafInbox:
    """Events turned off: the queue never brings anything."""

    async def receive(self, wait_seconds: float, limit: int = 10) -> list[Message]:
        """Nothing, when the wait is over."""
        await asyncio.sleep(wait_seconds)
        return []

    async def delete(self, messages: Sequence[Message]) -> None:
        """There is none to delete."""

    async def extend(self, messages: Sequence[Message], seconds: int) -> None:
        """There is none to keep."""


class DeafLoop(AgentLoop):
    """The same loop, gate and turn; only its own look every interval tells it of anything."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "inbox": _DeafInbox()})


async def _reach(life: type[AgentLoop], interval: float, rounds: int) -> tuple[list[float], float]:
    """Seconds from the first agent's words to the last one's, for each round; and turns made for each agent and round."""
    told: dict[int, dict[int, float]] = {}
    config = {
        "loopIntervalSeconds": interval,
        "outputNews": False,
        "maxTurnsPerAgent": 10_000,
        "coalesceMilliseconds": 0,
    }
    async with site(AGENTS, direction="Pass on what you hear.", **config) as where:
        loops = [where.loop(agent, Herald(agent, told), life=life) for agent in range(AGENTS)]
        tasks = [asyncio.create_task(loop.run()) for loop in loops]
        await all_idle(loops)
        before = sum(loop.counters.turns for loop in loops)
        took = [await _round(where, told, news) for news in range(1, rounds + 1)]
        turns = sum(loop.counters.turns for loop in loops) - before
        await ended(loops, tasks)
    return took, turns / AGENTS / rounds


async def _round(where: Site, told: dict[int, dict[int, float]], news: int) -> float:
    """Tell one agent, wait for all, let them rest. Raises TimeoutError."""
    text = f"News: the heron {news} has landed"
    await where.adapters.store.put(keys.directive(0), text.encode())
    async with asyncio.timeout(ROUND_LIMIT_SECONDS):
        while len(told.get(news, {})) < AGENTS:
            await asyncio.sleep(0.02)
    arrived = told[news].values()
    await asyncio.sleep(REST_SECONDS)
    return max(arrived) - min(arrived)


async def measure(small: bool) -> Findings:
    """The small ring for real, then 64 agents by simulation."""
    hops = ring.hops_to_everyone("amorphous", AGENTS, 1)
    limit = hops * THINK_SECONDS
    rounds = 2 if small else ROUNDS
    rows: list[tuple[str, ...]] = []
    designs: tuple[tuple[str, type[AgentLoop], float], ...] = (
        ("events", AgentLoop, 60.0),
        (f"the same loop, events off, looking every {INTERVAL_SECONDS:g} s", DeafLoop, INTERVAL_SECONDS),
        (f"a turn every {INTERVAL_SECONDS:g} s, whether there is news or not", PollingLoop, INTERVAL_SECONDS),
    )
    for name, life, interval in designs:
        took, turns = await _reach(life, interval, rounds)
        middle, most = median(took), percentile(took, 100)
        rows.append((name, number(middle, 2), number(most, 2), times(ratio(middle, limit)), number(turns, 1)))
    real = Table(("8 agents, for real", "median, s", "slowest, s", "÷ limit", "turns per agent and news"), tuple(rows))
    return Findings(
        f"The operator tells one agent something that each passes on once; from the first one's words to the last one's. A ring of {AGENTS} "
        f"with radius 1 on the embedded endpoint, {rounds} pieces of news, thinking {THINK_SECONDS:g} s: {hops} hops, so the limit "
        f"(hops × think) is {limit:g} s. The interval stands to the thinking as the defaults (30 s to 20 s) do. No loop has pacing "
        "(minTurnGapSeconds 0), each lives in the bench's process. Then 64 agents by `murmur simulate`, thinking 20 s, interval 30 s; "
        "there an event takes 0.8 s (median) as on AWS, and its limit includes that.",
        (real, await _simulated(small)),
    )


async def _simulated(small: bool) -> Table:
    found = await simulated(agents=16 if small else 64)
    limit = found.limit_seconds
    rows = [
        (
            "events" if column["mode"] == "event" else "a turn every 30 s",
            number(column["reach_seconds"], 1),
            number(limit, 1),
            times(ratio(column["reach_seconds"], limit)),
            number(column["news_turns"] / found.agents, 1),
        )
        for column in found.designs
    ]
    return Table(
        (f"{found.agents} agents, simulated", "seconds", "limit, s", "÷ limit", "turns per agent"), tuple(rows)
    )
