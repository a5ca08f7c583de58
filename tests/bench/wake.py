"""Cost of waking: put → a neighbour's turn begins, beside put → a bare receiver has the message, on the same endpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from agent.turn import Turn
from murmur import keys
from murmur.change import parse_change
from murmur.clock import SystemClock
from murmur.cursor import Cursor
from murmur.entry import LogEntry, timestamp
from murmur.gate import Verdict
from tests.bench.clocked import wrapped
from tests.bench.findings import Findings, Table
from tests.bench.site import RUN, Site, all_idle, ended, site
from tests.bench.stats import ms, percentile, ratio, times

PUTS: Final = 80
PUTS_SMALL: Final = 10
PUTS_PER_SECOND: Final = 5
_STILL: Final[dict[str, Any]] = {"coalesceMilliseconds": 0, "loopIntervalSeconds": 600.0, "outputNews": False}


async def puts(where: Site, count_of_puts: int, note: Callable[[int, int, float], None]) -> None:
    """Append a working line to one log after the other, at a steady rate; ``note`` hears agent, iteration and time."""
    bodies: dict[int, bytes] = {}
    n = where.config.concurrency
    begin = time.monotonic()
    for count in range(count_of_puts):
        await asyncio.sleep(max(0.0, begin + count / PUTS_PER_SECOND - time.monotonic()))
        agent, iteration = (count * 7) % n, 1 + count
        entry = LogEntry(
            ts=timestamp(SystemClock().now()), iteration=iteration, action="a", result="r", next_intent="n"
        )
        bodies[agent] = bodies.get(agent, b"") + entry.to_line()
        note(agent, iteration, time.monotonic())
        await where.adapters.store.put(keys.log(agent), bodies[agent])
    await asyncio.sleep(2.0)


async def bare(where: Site, count: int) -> list[float]:
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
    await puts(where, count, lambda agent, _iteration, at: latest.__setitem__(keys.log(agent), at))
    await _cancel(pollers)
    return took


async def woken(where: Site, count: int) -> list[float]:
    """Agent loops whose turns are noted as they begin."""
    put_at: dict[tuple[int, int], float] = {}
    took: list[float] = []

    def noting(observe: Callable[..., Any]) -> Callable[..., Any]:
        async def noted(turn: Turn, verdict: Verdict, cursor: Cursor) -> Any:
            began = time.monotonic()
            known = [(w.agent, w.iteration) for w in verdict.woken_by if (w.agent, w.iteration) in put_at]
            took.extend(began - put_at[key] for key in known)
            return await observe(turn, verdict, cursor)

        return noted

    with wrapped({(Turn, "observe"): noting}):
        loops = [where.loop(agent) for agent in range(where.config.concurrency)]
        tasks = [asyncio.create_task(loop.run()) for loop in loops]
        await all_idle(loops)
        await puts(where, count, lambda agent, iteration, at: put_at.__setitem__((agent, iteration), at))
        await ended(loops, tasks)
    return took


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def measure(small: bool) -> Findings:
    """Both, for rings of several sizes, each on an endpoint of its own."""
    count = PUTS_SMALL if small else PUTS
    rows: list[tuple[str, ...]] = []
    for agents in (8,) if small else (8, 32, 64, 128):
        async with site(agents, **_STILL) as where:
            receivers = await bare(where, count)
        async with site(agents, **_STILL) as where:
            turns = await woken(where, count)
        b50, b99, w50, w99 = (percentile(took, rank) for took in (receivers, turns) for rank in (50, 99))
        missing = 2 * 2 * count - len(receivers) - len(turns)
        row = (ms(b50), ms(b99), ms(w50), ms(w99), times(ratio(w50, b50)), times(ratio(w99, b99)), str(missing))
        rows.append((str(agents), *row))
    headings = ("agents", "bare p50, ms", "p99", "woken p50, ms", "p99", "ratio p50", "ratio p99", "not received")
    return Findings(
        f"{count} lines put at {PUTS_PER_SECOND}/s in a ring with radius 1, so each has two readers. *Bare*: from the put until an SQS "
        "receiver that does nothing else has the message. *Woken*: until the agent's turn begins, the line read and the gate passed, "
        "with coalescing and pacing off. All agents of a size run in one process.",
        (Table(headings, tuple(rows)),),
    )
