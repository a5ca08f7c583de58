"""The folder of a flock on one machine: who uses it, and where things lie in it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from murmur.errors import InvalidInput, WrongState


@dataclass(slots=True)
class Home:
    """``.murmur``: objects and state of the endpoint, logs of the processes, and, while a server runs, its address."""

    path: Path
    _lock: IO[str] | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> Path:
        """Where the embedded endpoint keeps its state; the bucket's objects are plain files in it."""
        return self.path / "endpoint"

    @property
    def logs(self) -> Path:
        """Logs of host processes."""
        return self.path / "logs"

    @property
    def agents(self) -> Path:
        """Working folders of the agent processes."""
        return self.path / "agents"

    @property
    def runtime(self) -> Path:
        """Address and process id of the server, while it runs."""
        return self.path / "runtime.json"

    def take(self) -> None:
        """Make the folder and lock it. Raises WrongState if another server runs over it, InvalidInput if it cannot be made."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise InvalidInput(
                f"{self.path} cannot be used: {error.strerror}.", "Choose another folder with --home."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise WrongState(
                f"Another server runs over {self.path}{self._holder()}.",
                "Use that one, end it with Ctrl-C where it runs, or choose another --home.",
            ) from None
        self._lock = lock

    def _holder(self) -> str:
        try:
            said: dict[str, Any] = json.loads(self.runtime.read_text("utf-8"))
            return f" (process {int(said['pid'])}, {said['url']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def announce(self, url: str, started: str) -> None:
        """Leave the server's address for other commands."""
        whole = self.runtime.with_suffix(".new")
        whole.write_text(json.dumps({"url": url, "pid": os.getpid(), "started": started}) + "\n", "utf-8")
        whole.replace(self.runtime)

    def release(self) -> None:
        """Take the address back and unlock. Idempotent."""
        if self._lock:
            self.runtime.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
