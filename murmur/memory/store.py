"""The bucket as a dict: what S3 promises of conditional writes and listings, and nothing it does not."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from murmur.change import Change
from murmur.clock import SystemClock
from murmur.errors import ObjectChanged, ObjectMissing
from murmur.ports import BINARY, Clock, Listing, ObjectInfo, StoredObject

_AFTER_ANY = b"\xff"
"""Sorts behind every UTF-8 text."""


class MemoryStore:
    """A Store held in memory. ``listeners`` hear of every write, as EventBridge would."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._objects: dict[str, StoredObject] = {}
        self._infos: dict[bytes, ObjectInfo] = {}
        self._sorted: list[bytes] = []
        """The keys as UTF-8, ascending: what listings go by."""
        self._writes = 0
        self.requests: Counter[str] = Counter()
        """Requests so far, by the name S3 bills them under: GET, HEAD, PUT, COPY, LIST, DELETE."""
        self.listeners: list[Callable[[Change], None]] = []
        self.put_keys: list[str] = []
        """Keys written since the store was made, oldest first: what a bill would count."""

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        """See ``Store.get``."""
        self.requests["GET"] += 1
        found = self._existing(key)
        first = max(0, found.size + start) if start < 0 else min(start, found.size)
        last = found.size if length is None else first + length
        return replace(found, body=found.body[first:last], start=first)

    async def get_if_changed(self, key: str, etag: str, *, start: int = 0) -> StoredObject | None:
        """See ``Store.get_if_changed``."""
        found = self._objects.get(key)
        if found is None or found.etag == etag:
            self.requests["GET"] += 1
            self._existing(key)
            return None
        return await self.get(key, start=start)

    async def head(self, key: str) -> StoredObject:
        """See ``Store.head``."""
        self.requests["HEAD"] += 1
        return replace(self._existing(key), body=b"")

    async def put(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.put``."""
        self.requests["PUT"] += 1
        return self._set(key, body, content_type, metadata)

    def _set(self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str] | None) -> str:
        self._writes += 1
        place = key.encode()
        if place not in self._infos:
            insort(self._sorted, place)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self._objects[key] = StoredObject(
            key, bytes(body), etag, len(body), self._clock.now(), 0, dict(metadata or {}), content_type
        )
        self._infos[place] = ObjectInfo(key, etag, len(body), self._objects[key].modified)
        self.put_keys.append(key)
        self._tell(key, etag, len(body), deleted=False)
        return etag

    async def create(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.create``."""
        self.requests["PUT"] += 1
        if key in self._objects:
            raise ObjectChanged(key)
        return self._set(key, body, content_type, metadata)

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.replace``."""
        self.requests["PUT"] += 1
        found = self._objects.get(key)
        if found is None or found.etag != etag:
            raise ObjectChanged(key)
        return self._set(key, body, content_type, metadata)

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> Listing:
        """See ``Store.list``."""
        self.requests["LIST"] += 1
        under = prefix.encode()
        first = max(bisect_left(self._sorted, under), bisect_right(self._sorted, after.encode()))
        end = bisect_left(self._sorted, under + _AFTER_ANY)
        page = tuple(self._infos[place] for place in self._sorted[first : min(end, first + limit)])
        return Listing(page, end > first + limit)

    async def copy(self, source: str, target: str) -> None:
        """See ``Store.copy``."""
        self.requests["COPY"] += 1
        found = self._existing(source)
        self._set(target, found.body, found.content_type, found.metadata)

    async def delete(self, keys: Sequence[str]) -> None:
        """See ``Store.delete``."""
        self.requests["DELETE"] += 1
        for key in keys:
            if self._objects.pop(key, None) is not None:
                del self._infos[key.encode()], self._sorted[bisect_left(self._sorted, key.encode())]
                self._writes += 1
                self._tell(key, "", 0, deleted=True)

    def _existing(self, key: str) -> StoredObject:
        found = self._objects.get(key)
        if found is None:
            raise ObjectMissing(key)
        return found

    def _tell(self, key: str, etag: str, size: int, *, deleted: bool) -> None:
        change = Change(
            key,
            etag,
            f"{self._writes:016X}",
            size,
            self._clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
            str(UUID(int=self._writes)),
            deleted,
        )
        for listener in self.listeners:
            listener(change)
