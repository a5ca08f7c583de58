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
from tests.bench.site import Site, all_idle, site

IDLE_SECONDS: Final = 45.0
ROOT: Final = Path(__file__).resolve().parents[2]
FIRST_TURN_LIMIT_SECONDS: Final = 60.0


async def _idle(where: Site, count: int) -> tuple[int, float]:
    """Resident bytes and processor share of this process with ``count`` idle loops, its own endpoint aside."""
    loops = [where.loop(agent) for agent in range(count)]
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    await all_idle(loops)
    gc.collect()
    me = psutil.Process()
    memory, before, began = me.memory_info().rss, sum(me.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS if count > 1 else 1.0)
    share = (sum(me.cpu_times()[:2]) - before) / (time.monotonic() - began)
    for loop in loops:
        loop.stop()
    await asyncio.wait(tasks, timeout=30)
    return memory, share


async def _idle_flock() -> None:
    """64 loops in one process against one: memory per further loop, processor when idle."""
    async with site(64) as where:
        one, _ = await _idle(where, 1)
    async with site(64) as where:
        many, share = await _idle(where, 64)
    print(f"memory of one loop's process {one / 2**20:.0f} MiB; per further loop {(many - one) / 63 / 2**20:.2f} MiB")
    print(f"64 idle loops, defaults, {IDLE_SECONDS:.0f} s: {share * 100:.1f} % of one core")


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
                            return written.timestamp() - entry["turn_ms"] / 1000 - began
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
    return float("nan")


async def main() -> None:
    """Print what was measured."""
    first = [await asyncio.to_thread(_first_turn) for _ in range(3)]
    print(f"murmur run → first turn begins: {', '.join(f'{s:.1f}' for s in first)} s")
    await _idle_flock()
