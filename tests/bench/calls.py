"""Status and log calls over HTTP, for short logs and for logs a hundred times as long: their cost must not grow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx

from agent.journal import ROLLING
from murmur import keys
from murmur.aws.inbox import SqsInbox
from murmur.clock import SystemClock
from murmur.entry import LogEntry, timestamp
from murmur.gather import gather
from murmur.local.gateway import Gateway
from murmur.local.provision import changes_queue
from murmur.local.stack import WEB
from murmur.memory.publisher import MemoryTicketBook
from murmur.ports import LifecycleAction
from murmur.runs import mark
from murmur.services import ONE_MACHINE, Services
from murmur.state import AgentState
from tests.bench.findings import Findings, Table
from tests.bench.site import RUN, Site, site
from tests.bench.stats import median, ms, percentile, ratio, times

AGENTS: Final = 64
SHORT: Final = 50
LONG: Final = 5_000
CALLS: Final = 25
PAGE: Final = 20
_WORDS: Final = (
    "the heron stands in the river and waits, a fish passes and the heron does not move; patience is rewarded"
)
_OLDER_PAGES: Final = (
    "A page that is not the newest stands, in a log that was rolled, in one of its segments: a listing, log₂(segments) small reads and the "
    "segment come on top, however long the log is beyond that."
)
_BOUND: Final = (
    "What bounds a status: one question an agent to its queue. Logs and state documents are read only in versions that the process has not "
    "read before (murmur/recall.py), which two listings show."
)


class _NoLifecycle:
    """A lifecycle that nobody asks: the flock of this benchmark has no hosts to look after."""

    async def request(self, action: LifecycleAction, run: str) -> None:
        """Refuse. Raises RuntimeError."""
        raise RuntimeError(f"{action} was asked for, and nothing here should")


@asynccontextmanager
async def _gateway(where: Site) -> AsyncIterator[httpx.AsyncClient]:
    """The API of the site's flock over HTTP, as ``murmur up`` serves it."""
    clock = SystemClock()
    services = Services(
        settings=where.settings,
        store=where.adapters.store,
        fabric=where.adapters.fabric,
        control=_NoLifecycle(),
        clock=clock,
        tickets=MemoryTicketBook(clock),
        limits=ONE_MACHINE,
    )
    gateway = Gateway(services, WEB, SqsInbox(where.adapters.clients, changes_queue(where.settings)))
    url = await gateway.start(0)
    try:
        async with httpx.AsyncClient(base_url=f"{url}/cluster/", timeout=60) as client:
            yield client
    finally:
        await gateway.stop()


def _parts(entries: int) -> tuple[list[bytes], bytes]:
    """The segments and the log that a journal leaves behind after so many appends."""
    now = timestamp(SystemClock().now())
    segments: list[bytes] = []
    lines: list[bytes] = []
    size = 0
    for iteration in range(entries):
        if size > ROLLING.bytes:
            old, lines = lines[: -ROLLING.keep_lines], lines[-ROLLING.keep_lines :]
            segments.append(b"".join(old))
            size = sum(len(line) for line in lines)
        words = {"action": _WORDS, "result": f"{iteration}: {_WORDS}", "next_intent": _WORDS}
        seen = dict.fromkeys((1, 2), iteration)
        line = LogEntry(ts=now, iteration=iteration, cause="neighbour", turn_ms=20_000, seen=seen, **words).to_line()
        lines.append(line)
        size += len(line)
    return segments, b"".join(lines)


async def _fill(where: Site, agents: int, entries: int) -> None:
    """Logs of so many entries for every agent, as journals would have left them, and their state documents."""
    segments, log = _parts(entries)
    store, alive = where.adapters.store, timestamp(SystemClock().now())
    puts = [(keys.segment(agent, 1 + place), body) for agent in range(agents) for place, body in enumerate(segments)]
    puts += [(keys.log(agent), log) for agent in range(agents)]
    states = (
        AgentState(agent=agent, run=RUN, host="host-0", alive=alive, iteration=entries - 1) for agent in range(agents)
    )
    puts += [(keys.state(state.agent), state.to_json()) for state in states]
    await gather(lambda item: store.put(item[0], item[1], metadata=mark(RUN)), puts, at_once=8)


async def _calls(client: httpx.AsyncClient, agents: int, entries: int, count: int) -> dict[str, list[float]]:
    """Seconds of each call, one after the other, the kinds in turn so that what disturbs one disturbs all."""
    took: dict[str, list[float]] = {}
    for turn in range(-1, count):  # the first of each warms it up
        log = f"agents/{turn % agents}/log"
        asked: dict[str, tuple[str, dict[str, str | int]]] = {
            f"status of {agents} agents": ("status", {}),
            f"a log's newest {PAGE} entries": (log, {"newest": "true", "limit": PAGE}),
            f"a log's first {PAGE} entries": (log, {"after": -1, "limit": PAGE}),
            f"{PAGE} entries from its middle": (log, {"after": entries // 2, "limit": PAGE}),
            f"{PAGE} entries before its end": (log, {"after": entries - PAGE - 1, "limit": PAGE}),
        }
        for name, (path, query) in asked.items():
            began = time.perf_counter()
            answer = await client.get(path, params=query)
            if turn >= 0:
                took.setdefault(name, []).append(time.perf_counter() - began)
            answer.raise_for_status()
            _check(answer.json(), agents, entries)
    return took


def _check(found: dict[str, list[object]], agents: int, entries: int) -> None:
    """A quick answer that is not the right one would be no measurement. Raises RuntimeError."""
    if "agents" in found:
        last = {agent["last"]["iteration"] for agent in found["agents"]}  # type: ignore[index]
        if len(found["agents"]) != agents or last != {entries - 1}:
            raise RuntimeError(f"status tells of {len(found['agents'])} agents, at {last}")
    elif len(found["entries"]) != PAGE:
        raise RuntimeError(f"a page of {len(found['entries'])} entries instead of {PAGE}")


async def measure(small: bool) -> Findings:
    """Short logs first, then long ones in their place."""
    agents, long, count = (8, 500, 4) if small else (AGENTS, LONG, CALLS)
    async with site(agents) as where, _gateway(where) as client:
        await _fill(where, agents, SHORT)
        await asyncio.sleep(1.0)
        short_took = await _calls(client, agents, SHORT, count)
        began = time.monotonic()
        await _fill(where, agents, long)
        filled = time.monotonic() - began
        await asyncio.sleep(2.0)
        long_took = await _calls(client, agents, long, count)
    rows = tuple(
        (
            name,
            ms(median(short_took[name])),
            ms(percentile(short_took[name], 99)),
            ms(median(long_took[name])),
            ms(percentile(long_took[name], 99)),
            times(ratio(median(long_took[name]), median(short_took[name]))),
        )
        for name in short_took
    )
    segments, log = _parts(long)
    headings = ("call", f"{SHORT} entries, p50, ms", "p99", f"{long:,} entries, p50, ms", "p99", "long ÷ short")
    return Findings(
        f"HTTP calls to the gateway over the embedded endpoint, one after the other, {count} of each kind: {agents} agents with logs of {SHORT} "
        f"entries, then of {long:,} ({len(segments)} segments and {len(log) // 1024} KiB each, {filled:.0f} s to put). Every answer is checked to "
        "hold the same number of entries.",
        (Table(headings, rows),),
        (_BOUND, _OLDER_PAGES),
    )
