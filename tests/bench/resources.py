"""What a flock costs while nothing happens, and how long it takes until something does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from murmur.entry import moment
from tests.bench.findings import Findings, Table
from tests.bench.site import Site, all_idle, ended, site
from tests.bench.stats import median, number

AGENTS: Final = 64
IDLE_SECONDS: Final = 45.0
MIB: Final = 2**20
ROOT: Final = Path(__file__).resolve().parents[2]
FIRST_TURN_LIMIT_SECONDS: Final = 60.0
_BOUND: Final = (
    "What bounds the first turn: imports, on two cores. Of 4.9 s of processor time the host takes 2.0 (1.75 of it to build the schemas of "
    "acp and mcp), the command with its server 1.65, the endpoint 0.9, eight brains 0.3 (measured once, by getrusage)."
)


async def _idle(where: Site, count: int, seconds: float) -> tuple[int, float]:
    """Resident bytes and processor share of this process with ``count`` idle loops, its own endpoint aside."""
    loops = [where.loop(agent) for agent in range(count)]
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    await all_idle(loops)
    gc.collect()
    me = psutil.Process()
    memory, before, began = me.memory_info().rss, sum(me.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(seconds)
    share = (sum(me.cpu_times()[:2]) - before) / (time.monotonic() - began)
    await ended(loops, tasks)
    return memory, share


def _first_turn() -> float:
    """Seconds from the start of ``murmur run`` to the beginning of the first turn."""
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as folder:
        began = time.time()
        command = [sys.executable, "-m", "murmur.cli.main", "run", "--direction", "Rest.", "--out", f"{folder}/out"]
        process = subprocess.Popen(
            [*command, "--home", f"{folder}/home", "--json"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while time.time() - began < FIRST_TURN_LIMIT_SECONDS:
                for log in Path(folder).rglob("agent-*.ndjson"):
                    with contextlib.suppress(ValueError, IndexError):
                        entry = json.loads(log.read_text("utf-8").splitlines()[0])
                        written = moment(entry["ts"])
                        if written:
                            return float(written.timestamp() - entry["turn_ms"] / 1000 - began)
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
    return float("nan")


async def measure(small: bool) -> Findings:
    """First turns, then loops at rest."""
    first = [await asyncio.to_thread(_first_turn) for _ in range(1 if small else 3)]
    seconds = 5.0 if small else IDLE_SECONDS
    async with site(AGENTS) as where:
        one, _ = await _idle(where, 1, 1.0)
    async with site(AGENTS) as where:
        many, share = await _idle(where, AGENTS, seconds)
    rows = (
        ("murmur run → first turn begins, s, median", number(median(first), 2)),
        ("the same, each time, s", ", ".join(number(taken, 2) for taken in first)),
        ("memory of a process with one idle loop, MiB", number(one / MIB)),
        ("memory per further loop, MiB", number((many - one) / (AGENTS - 1) / MIB, 2)),
        (f"processor for {AGENTS} idle loops, % of one core", number(share * 100, 1)),
        ("processor per idle loop, % of one core", number(share * 100 / AGENTS, 3)),
    )
    return Findings(
        f"`murmur run` from its start, on an empty folder, to its first turn with the scripted runner; and {AGENTS} agent loops at rest in "
        f"one process for {seconds:.0f} s with the default configuration (its interval is 30 s), the endpoint not counted. What an agent's "
        "own process needs beside it is in *A settled flock*.",
        (Table(("what", "measured"), rows),),
        (_BOUND,),
    )
