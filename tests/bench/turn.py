"""What a warm turn costs beside the mind's own time, step by step: a clock around the real steps, an agent process that hardly thinks."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from agent import verify
from agent.heart import Heart
from agent.journal import Journal
from agent.mailbox import Mailbox
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile
from agent.runner.turn import Turn as AcpTurn
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from agent.turn import Turn
from agent.view import View
from murmur import keys
from murmur.clock import SystemClock
from murmur.entry import LogEntry, timestamp
from tests.bench.brain import TIMES
from tests.bench.clocked import Times, clocked, wrapped
from tests.bench.findings import Findings, Table
from tests.bench.machine import ROOT
from tests.bench.site import ended, site
from tests.bench.stats import median, ms, percentile

TURNS: Final = 60
TURNS_SMALL: Final = 6
GAP_SECONDS: Final = 0.1
_WARMING: Final = 2
"""Turns before those that count."""
_TURN_LIMIT_SECONDS: Final = 20.0
_PROFILE: Final = RunnerProfile(
    "bench", (sys.executable, "-m", "tests.bench.brain"), {"PYTHONPATH": str(ROOT)}, scripted=True
)
_STEPS: Final = {
    "read": (View, "read"),
    "observe": (Turn, "observe"),
    "heart": (Heart, "put"),
    "prompt": (Turn, "words"),
    "run": (AcpMind, "run"),
    "session": (AcpTurn, "_open_session"),
    "tools": (AcpTurn, "_wait_for_tools"),
    "answer": (AcpTurn, "_prompt"),
    "desk": (Desk, "_call"),
    "verify": (verify, "doubts"),
    "append": (Journal, "append"),
    "acknowledge": (Mailbox, "acknowledge"),
    "turn": (Turn, "carry_out"),
}


async def measure(small: bool) -> Findings:
    """Wake one agent again and again, and clock what it does."""
    count = TURNS_SMALL if small else TURNS
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as home, clocked(_STEPS) as took:
        whole = await _turns(Path(home), count, took)
        own = [float(line) for line in (Path(home) / "times").read_text("utf-8").split()][-len(took["answer"]) :]
    return Findings(
        f"One agent of a ring of 8 on the embedded endpoint, woken by a neighbour's line {count} times, one turn after the other, its process "
        "warm. The agent process does nothing but call `broadcast` once; its own time (making its words, letting go of the tool server) is noted "
        "by itself and taken off. Every step's own p50 and p99; the two in brackets begin at the same time, and "
        "the state document is put a second time behind the line, so the sum is not the whole.",
        (_table(took, own, whole, count),),
    )


async def _turns(home: Path, count: int, took: Times) -> list[float]:
    """Seconds from each put to the acknowledgement of its wake, behind the turn's line."""
    config: dict[str, Any] = {
        "coalesceMilliseconds": 0,
        "loopIntervalSeconds": 600.0,
        "outputNews": False,
        "maxTurnsPerAgent": 10_000,
    }
    acknowledged = [0]
    """Turns carried out by each acknowledgement: a wake that needed no turn is acknowledged, too."""

    def noting(acknowledge: Any) -> Any:
        async def noted(mailbox: Mailbox) -> None:
            await acknowledge(mailbox)
            acknowledged.append(len(took["turn"]))

        return noted

    async with site(8, **config) as where, ToolServer() as tools:
        mind = AcpMind(_PROFILE, tools, home / "agent-0", environment={TIMES: str(home / "times")})
        with wrapped({(Mailbox, "acknowledge"): noting}):
            loop = where.loop(0, mind)
            task = asyncio.create_task(loop.run())
            await _until(lambda: acknowledged[-1] >= 1)
            body = b""
            whole: list[float] = []
            for turn in range(-_WARMING, count):
                if turn == 0:
                    for seconds in took.values():
                        seconds.clear()
                    whole.clear()
                    acknowledged.append(0)
                body += _line(turn + _WARMING)
                began, wanted = time.perf_counter(), len(took["turn"]) + 1
                await where.adapters.store.put(keys.log(1), body)
                await _until(lambda wanted=wanted: acknowledged[-1] >= wanted)
                whole.append(time.perf_counter() - began)
                await asyncio.sleep(GAP_SECONDS)
            await ended([loop], [task])
    return whole


async def _until(met: Any) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(_TURN_LIMIT_SECONDS):
        while not met():
            await asyncio.sleep(0.002)


def _line(iteration: int) -> bytes:
    at = timestamp(SystemClock().now())
    return LogEntry(ts=at, iteration=iteration, action="a", result="r", next_intent="n").to_line()


def _table(took: Times, own: list[float], whole: list[float], count: int) -> Table:
    answer = [seconds - mine for seconds, mine in zip(took["answer"], own, strict=True)]
    run = [seconds - mine for seconds, mine in zip(took["run"], own, strict=True)]
    parts = zip(took["run"], took["session"], took["tools"], took["answer"], strict=True)
    around = [total - session - tools - prompt for total, session, tools, prompt in parts]
    rows = (
        ("read the line that woke it", took["read"]),
        ("[ observe everything afresh", took["observe"]),
        ("[ say that a turn begins, and again what it was (state document)", took["heart"]),
        ("prompt", took["prompt"]),
        ("run, the mind's own time taken off", run),
        ("· session/new", took["session"]),
        ("· until the tools are listed", took["tools"]),
        ("· session/prompt until its end, own time taken off", answer),
        ("· · of that the broadcast, on the desk", took["desk"]),
        ("· folder, token, watching", around),
        ("verify", took["verify"]),
        ("append", took["append"]),
        ("acknowledge", took["acknowledge"]),
        ("**put → acknowledged, own time included**", whole),
        ("the mind's own time", own),
    )
    shown = tuple((name, ms(median(values), 2), ms(percentile(values, 99), 2)) for name, values in rows)
    return Table((f"step ({count} turns)", "p50, ms", "p99, ms"), shown)
