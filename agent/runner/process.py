"""An agent process: started in a session of its own, its stderr drained, its end noticed at once, killed with all its children.

Ends with its host, in three ways. Its stdin is a pipe, whose EOF tells a well-behaved agent that the host is gone. On Linux it is
started through ``setpriv --pdeathsig KILL`` where that exists, so that the kernel kills it when the host dies, even by
``kill -9`` (a preexec_fn calling prctl would do the same, but may deadlock in a host that has threads). And a host that
stops in good order kills the process group.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self, cast

import psutil

from agent.runner.apart import run_as
from agent.runner.failure import AgentFailure, without
from murmur.entry import one_line

CHUNK_BYTES: Final = 64 * 1024
_TAIL_BYTES: Final = 8 * 1024
_SPAWN_FOR_NOW: Final = frozenset({errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ETXTBSY})
_REAP_SECONDS: Final = 5.0

log = logging.getLogger(__name__)


class AgentProcess:
    """A running command with three pipes. Make it with ``start``; end it with ``end``."""

    def __init__(self, transport: asyncio.SubprocessTransport, streams: _Streams, secrets: Sequence[str]) -> None:
        self.pid = transport.get_pid()
        self.stdin = cast("asyncio.StreamWriter", streams.stdin)
        self.stdout = cast("asyncio.StreamReader", streams.stdout)
        self.exited = streams.exited
        """Set the moment the process itself is gone, whoever may still hold its pipes."""
        self._transport = transport
        self.secrets = tuple(secrets)
        """What no log may show of its environment."""
        self._tail = bytearray()
        self._draining = asyncio.create_task(self._drain(cast("asyncio.StreamReader", streams.stderr)))

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        *,
        secrets: Sequence[str] = (),
        remedy: str,
    ) -> Self:
        """Start the command. Raises AgentFailure, fatal if it is not there or is no program."""
        program = shutil.which(command[0], path=environment.get("PATH", os.defpath))
        if program is None:
            raise AgentFailure("error", f"The agent command {command[0]!r} was not found.", remedy, fatal=True)
        argv = [*await asyncio.to_thread(_dies_with_parent), *run_as(), program, *command[1:]]
        loop = asyncio.get_running_loop()
        try:
            transport, streams = await loop.subprocess_exec(
                functools.partial(_Streams, loop),
                *argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise AgentFailure(
                "error",
                f"The agent command {command[0]!r} could not be started: {error.strerror or error}.",
                remedy,
                fatal=error.errno not in _SPAWN_FOR_NOW,
            ) from None
        return cls(transport, streams, secrets)

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._transport.get_returncode()

    def last_words(self) -> str:
        """The end of what it printed to stderr, as one line, without secrets; "" if it printed nothing."""
        text = self._tail.decode("utf-8", "replace")
        text = without(text, self.secrets)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return one_line(" | ".join(lines[-4:])[-600:], 240)

    def obituary(self) -> str:
        """How it ended, in words."""
        code = self.returncode
        if code is None:
            how = "closed its output while still running"
        elif code < 0:
            how = f"was killed by signal {-code}"
        else:
            how = f"exited with code {code}"
        words = self.last_words()
        return f"The agent process {how}" + (f"; it said: {words}" if words else "")

    def rss_bytes(self) -> int:
        """Resident memory of the process and its children; 0 when it is gone."""
        total = 0
        for process in _family(self.pid):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    async def end(self, exit_seconds: float) -> None:
        """Close stdin, wait ``exit_seconds`` for it to go (0: not at all), then kill what is left of it and its children."""
        try:
            if exit_seconds > 0 and not self.exited.is_set():
                self.stdin.close()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(exit_seconds):
                        await self.exited.wait()
        finally:
            self._kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REAP_SECONDS):
                await self.exited.wait()
        # Also when a grandchild that left the group still holds the pipes: our ends are closed here.
        self._transport.close()
        self._draining.cancel()
        await asyncio.wait([self._draining])

    def _kill(self) -> None:
        family = _family(self.pid) if not self.exited.is_set() else []
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()

    async def _drain(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(CHUNK_BYTES):
            self._tail += chunk
            del self._tail[:-_TAIL_BYTES]


class _Streams(SubprocessStreamProtocol):
    """asyncio's own pipes, and an event for the end of the process: ``wait()`` also waits for inherited pipes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=CHUNK_BYTES, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        self.exited.set()
        super().process_exited()


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


@functools.cache
def _dies_with_parent() -> tuple[str, ...]:
    """The prefix that makes the kernel kill a process when its parent dies; empty where there is none."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=5)  # noqa: S603 - our own constant
    except (OSError, subprocess.SubprocessError):
        return ()
    return prefix
