"""Hosts as processes of this machine: a Fleet over ``python -m agent.host``.

A host holds a leash, its standard input: when this process is gone, however it went, the pipe ends and the host ends by itself.
Its first line tells the host its place, so that one can be started, its libraries loaded, before there is a place to fill.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from murmur.errors import Unavailable
from murmur.ports import Clock, HostInfo

GRACE_SECONDS: Final = 15.0
"""A host asked to stop cancels its turns, writes their lines and ends its agents; then it is killed."""
WARM_HOST: Final = "host-0"
"""Every run has it."""
_POLL_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class _Child:
    run: str
    name: str
    process: subprocess.Popen[bytes]
    launched: datetime

    def info(self) -> HostInfo:
        status = self.process.poll()
        ended = "" if status is None else f"ended with status {status}"
        return HostInfo(str(self.process.pid), self.name, "running" if status is None else "gone", self.launched, ended)


class ProcessFleet:
    """Starts and ends host processes. Their logs are ``<logs>/<host>.log``, their agents' folders under ``homes``."""

    def __init__(self, clock: Clock, logs: Path, homes: Path) -> None:
        self._clock = clock
        self._logs = logs
        self._homes = homes
        self._children: list[_Child] = []
        self._spare: _Child | None = None
        self.environment: Mapping[str, str] = {}
        """What hosts are told beside their place: which flock, and where its cloud is."""

    async def warm(self) -> None:
        """Start the process of ``host-0`` ahead of its first launch. Nothing depends on it."""
        self._spare = await asyncio.to_thread(self._spawn, "", WARM_HOST)

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        """See ``Fleet.launch``."""
        alive = {child.name for child in self._of(run) if child.process.poll() is None}
        for name in names:
            if name not in alive:
                await self._end([child for child in self._children if child.name == name], 0.0)
                child = await asyncio.to_thread(self._place, run, name)
                self._children = [c for c in self._children if c.name != name] + [child]
        return [child.info() for child in self._of(run) if child.name in names]

    def _place(self, run: str, name: str) -> _Child:
        """A process for the place, told which it is."""
        spare, child = self._spare, None
        if spare is not None and spare.name == name and spare.process.poll() is None:
            child, self._spare = spare, None
        else:
            child = self._spawn(run, name)
        place = {"MURMUR_RUN": run, "MURMUR_HOST": name, "MURMUR_AGENT_HOME": str(self._homes)}
        line = json.dumps({**self.environment, **place}).encode() + b"\n"
        assert child.process.stdin is not None  # noqa: S101 - it was opened as a pipe
        try:
            child.process.stdin.write(line)
            child.process.stdin.flush()
        except BrokenPipeError:  # it died already: hosts() tells, and the lifecycle starts it again
            _log.warning("%s ended before it was told its place; see its log", name)
        return replace(child, run=run, launched=self._clock.now())

    def _spawn(self, run: str, name: str) -> _Child:
        self._logs.mkdir(parents=True, exist_ok=True)
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        try:
            with (self._logs / f"{name}.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "agent.host"],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env={**inherited, "PYTHONPATH": str(_ROOT), "MURMUR_LEASH": "stdin"},
                    start_new_session=True,  # Ctrl-C in the terminal is for this process, which then asks the hosts
                )
        except OSError as error:
            raise Unavailable(f"{name} could not be started: {error.strerror}.", "Free memory or processes.") from error
        return _Child(run, name, process, self._clock.now())

    async def hosts(self, run: str) -> list[HostInfo]:
        """See ``Fleet.hosts``."""
        return sorted((child.info() for child in self._of(run)), key=lambda info: info.name)

    async def terminate(self, run: str) -> None:
        """See ``Fleet.terminate``."""
        await self._end(self._of(run), GRACE_SECONDS)
        self._children = [child for child in self._children if child.run != run]

    async def close(self) -> None:
        """Ask every host to end, whatever its run."""
        await self._end(self._everyone(), GRACE_SECONDS)

    async def kill(self) -> None:
        """End every host at once. What they had appended stays; a turn under way leaves no line."""
        await self._end(self._everyone(), 0.0)

    def _everyone(self) -> list[_Child]:
        everyone = [*self._children, *([self._spare] if self._spare else [])]
        self._children, self._spare = [], None
        return everyone

    async def _end(self, children: Sequence[_Child], grace_seconds: float) -> None:
        for child in children:
            if child.process.poll() is None and grace_seconds > 0:
                child.process.terminate()
        deadline = self._clock.monotonic() + grace_seconds
        while any(child.process.poll() is None for child in children) and self._clock.monotonic() < deadline:
            await self._clock.sleep(_POLL_SECONDS)
        for child in children:
            if child.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):  # it ended between the look and the kill
                    os.killpg(child.process.pid, signal.SIGKILL)
                await asyncio.to_thread(child.process.wait)
            if child.process.stdin:
                child.process.stdin.close()

    def _of(self, run: str) -> list[_Child]:
        return [child for child in self._children if child.run == run]
