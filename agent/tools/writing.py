"""Conditional writes of one turn: nothing an agent writes is ever lost to a race, and nothing of others is run over.

A conditional write whose answer got lost on the way is repeated by the client library and then seems to have lost against
itself. So every write carries a mark of its own in the object's metadata: if the object that won bears this write's
mark, the write is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from random import Random
from typing import Final
from weakref import WeakValueDictionary

from murmur import versions
from murmur.errors import InvalidInput, MurmurError, ObjectChanged, ObjectMissing, Unavailable
from murmur.ports import Store, StoredObject

FILE_LIMIT_BYTES: Final = 32 * 1024 * 1024
"""What a file may grow to by appends; each append rewrites it."""
APPEND_ATTEMPTS: Final = 400
_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 1.0
_TYPES: Final = {".md": "text/markdown", ".json": "application/json", ".csv": "text/csv"}

_queues: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()
"""Appends of one process to one file stand in line, so that 64 agents on 8 hosts race as 8. An entry lives while in use."""


class FileChanged(ObjectChanged):
    """A conditional write lost; ``writer`` is who won, as far as the object says. Remedy: read it, then decide again."""

    def __init__(self, key: str, message: str, remedy: str, writer: str) -> None:
        MurmurError.__init__(self, message, remedy)
        self.key = key
        self.writer = writer


@dataclass(frozen=True, slots=True)
class Written:
    """An object as this turn left it."""

    etag: str
    size: int
    replaced: str | None
    """The ETag it had before, "" if it was not there; None if that is not known."""


class Writer:
    """Writes with the agent's name on it. ``pause`` and ``random`` come from outside, so that a run can be replayed."""

    def __init__(
        self,
        store: Store,
        agent: int,
        iteration: int,
        *,
        random: Random | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        still_on: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._agent = agent
        self._iteration = iteration
        self._random = random or Random()
        self._pause = pause
        self._still_on = still_on
        """Raises if the turn has ended; asked before every attempt."""
        self._count = 0

    async def create(self, key: str, body: bytes, why: str) -> Written:
        """Write only if nothing is there. Raises FileChanged (remedy: ``why``), Unavailable."""
        mark = self._mark()
        try:
            etag = await self._store.create(key, body, content_type=content_type(key), metadata=mark)
        except ObjectChanged:
            there = await self._mine_or_none(key, mark)
            if there is None:
                raise await self._lost(key, "already exists", why) from None
            etag = there.etag
        return Written(etag, len(body), "")

    async def replace(self, key: str, body: bytes, etag: str) -> Written:
        """Overwrite only if the object still has ``etag``. Raises FileChanged, Unavailable."""
        mark = self._mark()
        why = "Read it again and write what is right for what it says now."
        try:
            old = await self._still(key, etag)
            new = await self._store.replace(key, body, etag, content_type=content_type(key), metadata=mark)
        except (ObjectChanged, ObjectMissing):
            there = await self._mine_or_none(key, mark)
            if there is None:
                raise await self._lost(key, "was changed since this turn read it", why) from None
            new = there.etag
        await versions.keep(self._store, old, mark, new)
        return Written(new, len(body), etag)

    async def _still(self, key: str, etag: str) -> StoredObject:
        """The object, which must still have ``etag``. Raises ObjectChanged, ObjectMissing."""
        old = await self._store.get(key)
        if old.etag != etag:
            raise ObjectChanged(key)
        return old

    async def append(self, key: str, addition: bytes) -> Written:
        """Add to the end, on a new line, whatever others add meanwhile. Raises InvalidInput when too long, Unavailable."""
        async with _queues.setdefault((id(self._store), key), asyncio.Lock()):
            return await self._append(key, addition)

    async def _append(self, key: str, addition: bytes) -> Written:
        mark = self._mark()
        for attempt in range(APPEND_ATTEMPTS):
            if attempt:
                longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 1.6 ** min(attempt, 30))
                await self._pause(self._random.uniform(0, longest))
            self._still_on()
            try:
                return await self._append_once(key, addition, mark)
            except ObjectChanged:
                continue
            except Unavailable:
                there = await self._mine_or_none(key, mark)
                if there is not None:
                    return Written(there.etag, there.size, None)
                raise
        raise Unavailable(
            f"{key!r} is being changed by others all the time; after {APPEND_ATTEMPTS} attempts nothing was written.",
            "Append again, or write to a file of your own.",
        )

    async def _append_once(self, key: str, addition: bytes, mark: Mapping[str, str]) -> Written:
        try:
            old = await self._store.get(key)
        except ObjectMissing:
            etag = await self._store.create(key, addition, content_type=content_type(key), metadata=mark)
            return Written(etag, len(addition), "")
        if old.metadata.get("write") == mark["write"]:
            return Written(old.etag, old.size, None)
        joint = b"" if not old.body or old.body.endswith(b"\n") else b"\n"
        body = old.body + joint + addition
        if len(body) > FILE_LIMIT_BYTES:
            raise InvalidInput(
                f"{key!r} would grow over {FILE_LIMIT_BYTES} bytes.", "Begin a new file; nothing was written."
            )
        marks = {**mark, **versions.grown(old, mark)}
        etag = await self._store.replace(key, body, old.etag, content_type=content_type(key), metadata=marks)
        return Written(etag, len(body), old.etag)

    def _mark(self) -> dict[str, str]:
        self._count += 1
        mark = f"{self._agent}.{self._iteration}.{self._count}.{self._random.getrandbits(64):016x}"
        return {"agent": str(self._agent), "iteration": str(self._iteration), "write": mark}

    async def _mine_or_none(self, key: str, mark: Mapping[str, str]) -> StoredObject | None:
        try:
            there = await self._store.head(key)
        except ObjectMissing:
            return None
        return there if there.metadata.get("write") == mark["write"] else None

    async def _lost(self, key: str, what: str, remedy: str) -> FileChanged:
        try:
            writer = author(await self._store.head(key))
        except ObjectMissing:
            return FileChanged(key, f"{key!r} was deleted since this turn read it.", "Create it anew.", "")
        return FileChanged(key, f"{key!r} {what}; it was last written by {writer}.", remedy, writer)


def author(item: StoredObject) -> str:
    """Who wrote the object, in words, as its metadata says."""
    agent, iteration = item.metadata.get("agent", ""), item.metadata.get("iteration", "")
    if not agent.isdecimal():
        return "the operator"
    return f"agent-{agent[:6]}" + (f" in its iteration {iteration[:9]}" if iteration.isdecimal() else "")


def content_type(key: str) -> str:
    """How the file is labelled. What agents write is never labelled as anything a browser would run."""
    return _TYPES.get(PurePosixPath(key).suffix.lower(), "text/plain") + "; charset=utf-8"
