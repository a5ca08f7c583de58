"""The parent's side of the embedded endpoint: start it, know where it is, stop it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from murmur.errors import Unavailable

REGION: Final = "us-east-1"
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
_ROOT: Final = Path(__file__).resolve().parents[3]


class Endpoint:
    """One embedded endpoint with its state under ``home``.

    The child ends when this process ends, however that happens: its standard input is a pipe, and the end of that pipe
    means that the parent is gone. After a crash of the child ``start`` may be called again; it keeps its address.
    """

    def __init__(self, home: Path, *, ready_seconds: float = 30.0) -> None:
        self.home = home
        self.log = home / "endpoint.log"
        self.ready_seconds = ready_seconds
        self._key = f"MURMUR{secrets.token_hex(13).upper()}"
        self._secret = secrets.token_hex(20)
        self._port = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens. Raises Unavailable before the first start."""
        if not self._port:
            raise Unavailable("The embedded endpoint was never started.", "Start it first.")
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The child's process id; None while it is not running."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 must be told to reach it, as environment variables."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self._key,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_DEFAULT_REGION": REGION,
        }

    async def start(self) -> None:
        """Start the child and wait until it answers. Idempotent. Raises Unavailable with the last line of its log."""
        await asyncio.to_thread(self.start_blocking)

    async def stop(self) -> None:
        """Ask the child to end, wait, and kill it if it does not. Idempotent."""
        await asyncio.to_thread(self.stop_blocking)

    async def wait(self) -> int:
        """Wait until the child has ended and give its exit status. Raises Unavailable if there is none."""
        child = self._child
        if child is None:
            raise Unavailable("The embedded endpoint is not running.", "Start it first.")
        # Looked at, not waited for: a thread in wait() would keep the event loop from closing.
        while (status := child.poll()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        return status

    def start_blocking(self) -> None:
        """``start`` for callers without an event loop."""
        if self.pid is not None:
            return
        self.stop_blocking()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"PYTHONPATH": str(_ROOT), "MURMUR_ENDPOINT_KEY": self._key}
        command = [sys.executable, "-P", "-m", "murmur.local.endpoint", str(self.home), str(self._port)]
        with self.log.open("ab") as log:
            log_begin = log.tell()
            self._child = subprocess.Popen(  # noqa: S603 - see the import
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C in the terminal is for the parent, which then stops the child
            )
        try:
            self._port = self._await_ready(self._child, log_begin)
        except BaseException:
            self.stop_blocking()
            raise

    def _await_ready(self, child: subprocess.Popen[bytes], log_begin: int) -> int:
        assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
        deadline = time.monotonic() + self.ready_seconds
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(child.stdout.fileno(), 4096) if readable else b""
            if not piece:
                why = "did not become ready in time" if not readable else "ended while starting"
                raise Unavailable(
                    f"The embedded endpoint {why}. The last line of its log: {self._last_words(log_begin)}",
                    f"See {self.log}; `murmur doctor` checks what it needs.",
                )
            line += piece
        return int(json.loads(line)["port"])

    def _last_words(self, begin: int) -> str:
        """The log's last line since ``begin``, which of a trace is the one that says what was wrong."""
        with self.log.open("rb") as log:
            log.seek(max(begin, log.seek(0, os.SEEK_END) - 2000))
            said = log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(said) if line.strip()), "(nothing)")

    def stop_blocking(self) -> None:
        """``stop`` for callers without an event loop."""
        child, self._child = self._child, None
        if child is None:
            return
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
