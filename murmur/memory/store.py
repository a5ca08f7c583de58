"""The bucket as a dict: what S3 promises of conditional writes and listings, and nothing it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from murmur.change import Change
from murmur.clock import SystemClock
from murmur.errors import ObjectChanged, ObjectMissing
from murmur.ports import Clock, Listing, ObjectInfo, StoredObject

_ANY = "application/octet-stream"


class MemoryStore:
    """A Store held in memory. ``listeners`` hear of every write, as EventBridge would."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._objects: dict[str, StoredObject] = {}
        self._writes = 0
        self.listeners: list[Callable[[Change], None]] = []
        self.put_keys: list[str] = []
        """Keys written since the store was made, oldest first: what a bill would count."""

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        """See ``Store.get``."""
        found = self._existing(key)
        first = max(0, found.size + start) if start < 0 else min(start, found.size)
        last = found.size if length is None else first + length
        return replace(found, body=found.body[first:last], start=first)

    async def get_if_changed(self, key: str, etag: str, *, start: int = 0) -> StoredObject | None:
        """See ``Store.get_if_changed``."""
        return None if self._existing(key).etag == etag else await self.get(key, start=start)

    async def head(self, key: str) -> StoredObject:
        """See ``Store.head``."""
        return replace(self._existing(key), body=b"")

    async def put(
        self, key: str, body: bytes, *, content_type: str = _ANY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.put``."""
        self._writes += 1
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self._objects[key] = StoredObject(
            key, bytes(body), etag, len(body), self._clock.now(), 0, dict(metadata or {}), content_type
        )
        self.put_keys.append(key)
        self._tell(key, etag, len(body), deleted=False)
        return etag

    async def create(
        self, key: str, body: bytes, *, content_type: str = _ANY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.create``."""
        if key in self._objects:
            raise ObjectChanged(key)
        return await self.put(key, body, content_type=content_type, metadata=metadata)

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = _ANY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.replace``."""
        found = self._objects.get(key)
        if found is None or found.etag != etag:
            raise ObjectChanged(key)
        return await self.put(key, body, content_type=content_type, metadata=metadata)

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> Listing:
        """See ``Store.list``."""
        rest = sorted((k for k in self._objects if k.startswith(prefix) and k > after), key=str.encode)
        page = [self._objects[key] for key in rest[:limit]]
        return Listing(tuple(ObjectInfo(o.key, o.etag, o.size, o.modified) for o in page), len(rest) > limit)

    async def copy(self, source: str, target: str) -> None:
        """See ``Store.copy``."""
        found = self._existing(source)
        await self.put(target, found.body, content_type=found.content_type, metadata=found.metadata)

    async def delete(self, keys: Sequence[str]) -> None:
        """See ``Store.delete``."""
        for key in keys:
            if self._objects.pop(key, None) is not None:
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
