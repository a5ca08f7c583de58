"""One real turn of a runner: a flock of one, in memory, with the agent process, the tools and the prompt as they always are."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from agent.journal import Journal
from agent.patience import Patience
from agent.reader import SharedReader
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile
from agent.tools.server import ToolServer
from agent.turn import Done, Turn
from agent.view import View
from murmur import keys
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.cursor import Cursor
from murmur.entry import LogEntry
from murmur.gate import Verdict
from murmur.memory.store import MemoryStore

_RUN: Final = "trial"
_DIRECTION: Final = (
    "This is a test of one turn. Read knowledge-base/starlings.md. Write output/starlings.md: one sentence that says who leads a "
    'murmuration. Then broadcast with state "idle". Do nothing else.\n'
)
_DOCUMENT: Final = (
    "# Starlings\n\nA murmuration has no leader. Each bird watches its nearest neighbours and acts when they do.\n"
)


@dataclass(frozen=True, slots=True)
class Trial:
    """How the turn went."""

    done: Done
    start_seconds: float
    """Until the process answered."""
    turn_seconds: float
    files: tuple[str, ...]

    @property
    def entry(self) -> LogEntry:
        """The line it would have added to its log."""
        return self.done.entry

    @property
    def well(self) -> bool:
        """Whether the tools were listed, a file was written and a broadcast came."""
        return not self.entry.failed and bool(self.files) and not self.entry.doubts


@asynccontextmanager
async def mind_for_a_turn(profile: RunnerProfile, model: str) -> AsyncIterator[AcpMind]:
    """An agent process of its own, with a tool server and a HOME that both go when it ends. Nothing of it is left running."""
    with tempfile.TemporaryDirectory(prefix="murmur-trial-") as home:
        async with ToolServer() as tools:
            mind = AcpMind(profile, tools, Path(home) / "agent-0", model=model)
            try:
                yield mind
            finally:
                await mind.close()


async def try_runner(profile: RunnerProfile, model: str, timeout_seconds: float) -> Trial:
    """Take one turn. A runner that fails is told in the entry; nothing of it is left running."""
    store, clock, random = MemoryStore(), SystemClock(), Random()
    config = FlockConfig.parse({"concurrency": 1, "neighbourRadius": 1, "turnTimeoutSeconds": timeout_seconds})
    await store.put(keys.CONFIG, config.to_json())
    await store.put(keys.DIRECTION, _DIRECTION.encode())
    await store.put(f"{keys.KNOWLEDGE}starlings.md", _DOCUMENT.encode())
    view, journal = View(store, SharedReader(store), 0, 1, _RUN), Journal(store, clock, 0, _RUN)
    async with mind_for_a_turn(profile, model) as mind:
        began = time.monotonic()
        await mind.warm()
        started = time.monotonic()
        turn = Turn(0, 1, store, clock, random, view, journal, mind)
        verdict = Verdict(True, "start")
        seen = await turn.observe(verdict, Cursor())
        done = await turn.carry_out(verdict, seen, Patience(clock, random, "agent-0"), "")
        ended = time.monotonic()
    return Trial(done, started - began, ended - started, done.entry.files)
