"""One tool call: the flock it is about, the folder it may read, and whether anybody still waits for its answer."""

from __future__ import annotations

import threading
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path

from murmur.cli.client import Client
from murmur.cli.find import Target, target
from murmur.cli.mcp.mark import Marks


@dataclass(frozen=True, slots=True)
class Call:
    """What a tool works with. ``cancelled`` is set when the answer is not wanted any more."""

    client: Client
    folder: Path
    marks: Marks
    cancelled: threading.Event = field(default_factory=threading.Event)


class Flock:
    """Finds the flock anew for every call, so that one restarted elsewhere is found; keeps the connections while it stays."""

    def __init__(self, args: Namespace, folder: Path) -> None:
        self._args = args
        self._folder = folder.resolve()
        self._marks = Marks()
        self._lock = threading.Lock()
        self._clients: dict[Target, Client] = {}

    def call(self, cancelled: threading.Event) -> Call:
        """A call to the flock as it is found now. Raises Unreachable, UsageError."""
        where = target(self._args)
        with self._lock:
            client = self._clients.get(where)
            if client is None:
                client = self._clients[where] = Client(where)
        return Call(client, self._folder, self._marks, cancelled)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
