"""A real flock that has settled: what it still does in so many intervals, and what its processes hold."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from tests.bench.findings import Findings, Table
from tests.bench.stats import number
from tests.e2e.flock import Flock, documents, flock, processes

AGENTS: Final = 8
DOCUMENTS: Final = 16
INTERVAL_SECONDS: Final = 1.0
INTERVALS: Final = 20
MIB: Final = 2**20
DIRECTION: Final = "Digest every document, then write one index."
_PARTS: Final = {
    "agent.brains": "agent processes (the scripted brain)",
    "agent.host": "host process, the loops of all agents",
    "murmur.local.endpoint": "embedded endpoint",
}


async def measure(small: bool) -> Findings:
    """Let it work, let it settle, then only watch."""
    intervals = 5 if small else INTERVALS
    given = documents(4 if small else DOCUMENTS)
    config = {
        "concurrency": AGENTS,
        "loopIntervalSeconds": INTERVAL_SECONDS,
        "minTurnGapSeconds": 0.1,
        "staggerSeconds": 0.5,
    }
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as home:
        async with flock(Path(home)) as running:
            await running.knowledge(given)
            await running.start(DIRECTION, **config)
            before = await running.until_state("settled")
            used, lines = _processor_seconds(), _lines(running)
            writes = await _watch(running, intervals * INTERVAL_SECONDS)
            worked = _processor_seconds() - used
            after = await running.status()
            memory = _memory()
            added = _lines(running) - lines
    beats = sum(count for key, count in writes.items() if key.startswith("state/"))
    calls = after["totals"]["turns"] - before["totals"]["turns"]
    rows = (
        ("turns until it had settled", number(before["totals"]["turns"])),
        ("log lines until then", number(lines)),
        ("intervals watched since", f"{intervals} of {INTERVAL_SECONDS:g} s"),
        ("**model calls (turns begun) in them**", number(calls)),
        ("log lines in them", number(added)),
        ("writes of heartbeats and the lifecycle's lease in them", number(beats)),
        ("other writes in them", number(writes.total() - beats)),
        ("state after them", str(after["state"])),
        ("processor of all agent processes in them, ms", number(worked * 1000)),
    )
    held = tuple(
        (what, str(count), number(size / MIB), number(size / MIB / AGENTS, 1)) for what, (count, size) in memory.items()
    )
    return Findings(
        f"A flock of {AGENTS} for real (`murmur up`'s own stack: host process, an ACP process for each agent, the scripted runner) digests "
        f"{len(given)} documents and settles. Then nothing is done to it; every write of the bucket is counted. Agents put a heartbeat at most "
        "once a minute.",
        (
            Table(("what", "measured"), rows),
            Table(("memory at rest (unshared, USS)", "processes", "MiB", "MiB per agent"), held),
        ),
    )


async def _watch(running: Flock, seconds: float) -> Counter[str]:
    """How often each object was written."""
    writes: Counter[str] = Counter()
    end = asyncio.get_running_loop().time() + seconds
    before = running.objects()
    while asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.2)
        now = running.objects()
        writes.update(key for key, version in now.items() if before.get(key) != version)
        before = now
    return writes


def _lines(running: Flock) -> int:
    """Bytes and objects aside: how many lines stand in all logs."""
    place = running.stack.home.endpoint
    return sum(log.read_bytes().count(b"\n") for log in place.rglob("store/agent-*.ndjson"))


def _processor_seconds() -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes("agent.brains"))


def _memory() -> dict[str, tuple[int, int]]:
    """How many processes each part has, and what they hold for themselves."""
    found = {}
    for part, what in _PARTS.items():
        sizes = [process.memory_full_info().uss for process in processes(part)]
        found[what] = (len(sizes), sum(sizes))
    return found
