"""Cost of waking: put → a neighbour's turn begins, beside put → a bare receiver has the message, on the same endpoint."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import fields
from typing import ClassVar

from agent.turn import Observed, Turn
from murmur import keys
from murmur.change import parse_change
from murmur.clock import SystemClock
from murmur.cursor import Cursor
from murmur.entry import LogEntry, timestamp
from murmur.gate import Verdict
from tests.bench.site import RUN, Site, all_idle, site

PUTS = 100
PUTS_PER_SECOND = 5


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    ranked = statistics.quantiles(seconds, n=100)
    return ranked[49] * 1000, ranked[98] * 1000


async def puts(where: Site, note: Callable[[int, int, float], None]) -> None:
    """Append a working line to one log after the other, at a steady rate; ``note`` hears agent, iteration and time."""
    bodies: dict[int, bytes] = {}
    n = where.config.concurrency
    begin = time.monotonic()
    for count in range(PUTS):
        await asyncio.sleep(max(0.0, begin + count / PUTS_PER_SECOND - time.monotonic()))
        agent, iteration = (count * 7) % n, 1 + count
        entry = LogEntry(
            ts=timestamp(SystemClock().now()), iteration=iteration, action="a", result="r", next_intent="n"
        )
        bodies[agent] = bodies.get(agent, b"") + entry.to_line()
        note(agent, iteration, time.monotonic())
        await where.adapters.store.put(keys.log(agent), bodies[agent])
    await asyncio.sleep(2.0)


async def bare(where: Site) -> list[float]:
    """Receivers that only receive and parse."""
    took: list[float] = []
    latest: dict[str, float] = {}
    n = where.config.concurrency

    async def poll(agent: int) -> None:
        inbox = where.adapters.fabric.inbox(RUN, agent)
        while True:
            for message in await inbox.receive(20.0):
                arrived = time.monotonic()
                change = parse_change(message.body)
                if change.key in latest:
                    took.append(arrived - latest[change.key])
                await inbox.delete([message])

    pollers = [asyncio.create_task(poll(agent)) for agent in range(n)]
    await asyncio.sleep(1.0)
    await puts(where, lambda agent, _iteration, at: latest.__setitem__(keys.log(agent), at))
    await _cancel(pollers)
    return took


async def woken(where: Site) -> list[float]:
    """Agent loops whose turns are noted as they begin."""
    NotedTurn.put_at.clear()
    NotedTurn.took.clear()
    loops = [where.loop(agent) for agent in range(where.config.concurrency)]
    for loop in loops:
        loop._turn = NotedTurn(**{f.name: getattr(loop._turn, f.name) for f in fields(Turn)})
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    await all_idle(loops)
    await puts(where, lambda agent, iteration, at: NotedTurn.put_at.__setitem__((agent, iteration), at))
    for loop in loops:
        loop.stop()
    await asyncio.wait(tasks, timeout=30)
    return list(NotedTurn.took)


class NotedTurn(Turn):
    """A turn that notes when it begins, for each entry that woke it."""

    put_at: ClassVar[dict[tuple[int, int], float]] = {}
    took: ClassVar[list[float]] = []

    async def observe(self, verdict: Verdict, cursor: Cursor) -> Observed:
        """Note, then go on."""
        began = time.monotonic()
        known = [(w.agent, w.iteration) for w in verdict.woken_by if (w.agent, w.iteration) in self.put_at]
        self.took.extend(began - self.put_at[key] for key in known)
        return await super().observe(verdict, cursor)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def main() -> None:
    """Print the table."""
    print(f"wake: {PUTS} puts at {PUTS_PER_SECOND}/s, ring with radius 1, coalesceMilliseconds 0, pacing 0; ms")
    print(f"{'agents':>6} {'bare p50':>9} {'p99':>7} {'woken p50':>10} {'p99':>7} {'ratio p50':>10} {'ratio p99':>10}")
    for agents in (8, 32, 64):
        settings = {"coalesceMilliseconds": 0, "loopIntervalSeconds": 600.0, "outputNews": False}
        async with site(agents, **settings) as where:
            b50, b99 = percentiles(await bare(where))
        async with site(agents, **settings) as where:
            w50, w99 = percentiles(await woken(where))
        print(f"{agents:>6} {b50:>9.1f} {b99:>7.1f} {w50:>10.1f} {w99:>7.1f} {w50 / b50:>9.2f}x {w99 / b99:>9.2f}x")
