"""A store that remembers every version of every object: the ground truth that invariants are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from murmur import keys
from murmur.memory.store import MemoryStore
from murmur.ports import Clock, ObjectInfo


@dataclass(frozen=True, slots=True)
class Put:
    """One version of an object. ``body`` is None for a deletion; ``writer`` is who wrote it, "" if nobody said."""

    at: float
    key: str
    body: bytes | None
    writer: str


class RecordingStore(MemoryStore):
    """The MemoryStore, with its history."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.time = clock
        self.puts: list[Put] = []
        self.outputs = 0
        """How often output/ was written: as long as it stays, so does the folder."""
        self.writer = ""
        """Who is writing just now; set by the FaultyStore around a write."""
        self.listeners.append(lambda change: self._record(change.key, deleted=change.deleted))

    def _record(self, key: str, *, deleted: bool) -> None:
        body = None if deleted else self._objects[key].body
        self.outputs += key.startswith(keys.OUTPUT)
        self.puts.append(Put(self.time.monotonic(), key, body, self.writer))

    def body(self, key: str) -> bytes | None:
        """What stands at ``key`` now; None for nothing."""
        found = self._objects.get(key)
        return found.body if found else None

    def etag(self, key: str) -> str:
        """Version of ``key``; "" if it is not there."""
        found = self._objects.get(key)
        return found.etag if found else ""

    def infos(self, prefix: str) -> list[ObjectInfo]:
        """Everything under ``prefix``, ascending."""
        found = [self._objects[key] for key in sorted(self._objects) if key.startswith(prefix)]
        return [ObjectInfo(o.key, o.etag, o.size, o.modified) for o in found]

    def versions(self, key: str) -> list[list[Put]]:
        """The life of ``key``, as lists of its versions; a deletion ends one."""
        lives: list[list[Put]] = [[]]
        for put in self.puts:
            if put.key != key:
                continue
            if put.body is None:
                lives.append([])
            else:
                lives[-1].append(put)
        return [life for life in lives if life]

    def written(self) -> Mapping[str, None]:
        """Every key there ever was, in the order of first writing."""
        return dict.fromkeys(put.key for put in self.puts)
