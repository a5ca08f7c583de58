"""Agent 3 of a flock on in-memory twins, with a real agent process behind it: turns run as they do in the loop."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import psutil

from agent.journal import Journal
from agent.patience import Patience
from agent.reader import SharedReader
from agent.runner.limits import Limits
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile
from agent.tools.server import ToolServer
from agent.turn import Done, Turn
from agent.view import View
from murmur import keys
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.cursor import Cursor
from murmur.entry import LogEntry, Waker
from murmur.gate import Verdict
from murmur.memory.store import MemoryStore

SHORT = Limits(
    start_seconds=20,
    session_seconds=20,
    write_seconds=2,
    contact_seconds=0.1,
    list_seconds=0.1,
    idle_seconds=20,
    grace_seconds=0.3,
    exit_seconds=1,
    line_bytes=2_000_000,
)
RUN = "r1"


class Latest(Random):
    """Worn processes are replaced as late as allowed."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Stage:
    """One agent that has not had a turn yet; agent 2 is its neighbour."""

    def __init__(self, tools: ToolServer, home: Path, profile: RunnerProfile, limits: Limits, **options: Any) -> None:
        clock = SystemClock()
        self.home = home.resolve()
        self.store = MemoryStore()
        self.mind = AcpMind(profile, tools, home, limits=limits, random=Latest(), **options)
        self.view = View(self.store, SharedReader(self.store), 3, 8, RUN)
        self.journal = Journal(self.store, clock, 3, RUN)
        self.cursor = Cursor()
        self._patience = Patience(clock, Random(), "agent-3")
        self._turn = Turn(3, 8, self.store, clock, Random(1), self.view, self.journal, self.mind)
        self.words = ""

    async def put(self, key: str, text: str) -> None:
        await self.store.put(key, text.encode())

    async def text(self, key: str) -> str:
        return (await self.store.get(key)).body.decode()

    async def neighbour_writes(self, iteration: int = 0, **words: str) -> None:
        """Agent 2 adds a line to its log."""
        entry = LogEntry(
            ts="2026-01-01T00:00:00Z", iteration=iteration, **{"action": "", "result": "", "next_intent": "", **words}
        )
        await self.store.put(keys.log(2), entry.to_line())

    async def turn(self, timeout_seconds: float = 60) -> Done:
        """A turn, woken by agent 2."""
        config = {"turnTimeoutSeconds": float(timeout_seconds), "concurrency": 8}
        await self.store.put(keys.CONFIG, FlockConfig.parse(config).to_json())
        verdict = Verdict(True, "neighbour", (Waker(agent=2, iteration=0),))
        seen = await self._turn.observe(verdict, self.cursor)
        self.words = self._turn.words(verdict, seen)
        return await self._turn.carry_out(verdict, seen, self._patience, "trace")

    def processes(self) -> list[str]:
        """What still runs of the agent: every process whose HOME is the stage's."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("HOME") == str(self.home) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found
