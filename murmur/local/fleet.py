"""Hosts as processes of this machine: a Fleet over ``python -m agent.host``.

A host holds a leash, its standard input: when this process is gone, however it went, the pipe ends and the host ends by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from murmur.errors import Unavailable
from murmur.ports import Clock, HostInfo

GRACE_SECONDS: Final = 15.0
"""A host asked to stop cancels its turns, writes their lines and ends its agents; then it is killed."""
_POLL_SECONDS: Final = 0.05
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
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

    def __init__(self, clock: Clock, environment: Mapping[str, str], logs: Path, homes: Path) -> None:
        self._clock = clock
        self._environment = dict(environment)
        self._logs = logs
        self._homes = homes
        self._children: list[_Child] = []

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        """See ``Fleet.launch``."""
        alive = {child.name for child in self._of(run) if child.process.poll() is None}
        for name in names:
            if name not in alive:
                await self._end([child for child in self._children if child.name == name], 0.0)
                child = await asyncio.to_thread(self._spawn, run, name)
                self._children = [c for c in self._children if c.name != name] + [child]
        return [child.info() for child in self._of(run) if child.name in names]

    def _spawn(self, run: str, name: str) -> _Child:
        self._logs.mkdir(parents=True, exist_ok=True)
        environment = {
            **self._environment,
            "MURMUR_RUN": run,
            "MURMUR_HOST": name,
            "MURMUR_LEASH": "stdin",
            "MURMUR_AGENT_HOME": str(self._homes),
            "PYTHONPATH": str(_ROOT),
        }
        try:
            with (self._logs / f"{name}.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "agent.host"],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    start_new_session=True,  # Ctrl-C in the terminal is for this process, which then asks the hosts
                )
        except OSError as error:
            raise Unavailable(
                f"{name} could not be started: {error.strerror}.", "Free some memory or processes."
            ) from error
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
        await self._end(self._children, GRACE_SECONDS)
        self._children = []

    async def kill(self) -> None:
        """End every host at once. What they had appended stays; a turn under way leaves no line."""
        await self._end(self._children, 0.0)
        self._children = []

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
