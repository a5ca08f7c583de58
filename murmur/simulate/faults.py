"""The ports as a process in rough weather knows them, and the events' way to the queues."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from murmur import keys
from murmur.errors import ObjectChanged
from murmur.memory.fabric import Carrier, MemoryFabric
from murmur.memory.inbox import MemoryInbox
from murmur.pattern import Wiring
from murmur.ports import BINARY, Circuit, Depth, Listing, Message, StoredObject
from murmur.simulate.profile import STALE_SECONDS
from murmur.simulate.record import RecordingStore
from murmur.simulate.weather import Process, Remote, Weather

_T = TypeVar("_T")
Deleting = Callable[[MemoryInbox, Sequence[Message]], None]
"""Hears of messages before they are deleted."""
_KEPT_LISTINGS: Final = 8


def rough_carrier(weather: Weather) -> Carrier:
    """Events that take their time, arrive twice, overtake one another, come minutes late, or never."""

    def carry(inbox: MemoryInbox, body: str) -> None:
        if weather.strikes(weather.profile.event_lost):
            return
        copies = 2 if weather.strikes(weather.profile.event_doubled) else 1
        for _ in range(copies):
            asyncio.get_running_loop().call_later(weather.profile.delivery(weather.random), inbox.push, body)

    return carry


class FaultyStore(Remote):
    """A Store as ``process`` reaches it. ``writer`` goes into the record of what it writes."""

    def __init__(self, inner: RecordingStore, weather: Weather, process: Process, writer: str = "") -> None:
        super().__init__(weather, process)
        self._inner = inner
        self._writer = writer or process.name
        self._listings: dict[tuple[str, str], list[tuple[float, Listing]]] = {}
        self.stale_at = float("-inf")
        """When a stale listing was served last."""

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        """See ``Store.get``."""
        return await self._ask("read", lambda: self._inner.get(key, start=start, length=length))

    async def get_if_changed(self, key: str, etag: str, *, start: int = 0) -> StoredObject | None:
        """See ``Store.get_if_changed``."""
        return await self._ask("read", lambda: self._inner.get_if_changed(key, etag, start=start))

    async def head(self, key: str) -> StoredObject:
        """See ``Store.head``."""
        return await self._ask("read", lambda: self._inner.head(key))

    async def put(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.put``."""
        return await self._write(key, lambda: self._inner.put(key, body, content_type=content_type, metadata=metadata))

    async def create(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.create``."""
        return await self._write_if(
            key, lambda: self._inner.create(key, body, content_type=content_type, metadata=metadata)
        )

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.replace``."""
        return await self._write_if(
            key, lambda: self._inner.replace(key, body, etag, content_type=content_type, metadata=metadata)
        )

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> Listing:
        """See ``Store.list``. May be stale, which S3 does not do any more."""
        page = await self._ask("list", lambda: self._inner.list(prefix, after=after, limit=limit))
        now = self._weather.clock.monotonic()
        kept = self._listings.setdefault((prefix, after), [])
        young = [(at, old) for at, old in kept if now - at <= STALE_SECONDS]
        self._listings[prefix, after] = [*young, (now, page)][-_KEPT_LISTINGS:]
        if young and self._weather.strikes(self._weather.profile.stale_listing):
            self.stale_at = now
            return young[0][1]
        return page

    async def copy(self, source: str, target: str) -> None:
        """See ``Store.copy``."""
        await self._write(target, lambda: self._inner.copy(source, target))

    async def delete(self, keys: Sequence[str]) -> None:
        """See ``Store.delete``."""
        await self._write("", lambda: self._inner.delete(keys), may_be_late=False)

    async def _write(self, key: str, effect: Callable[[], Awaitable[_T]], *, may_be_late: bool = True) -> _T:
        async def signed() -> _T:
            self._inner.writer = self._writer
            try:
                return await effect()
            finally:
                self._inner.writer = ""

        label = "append" if keys.agent_of_log(key) is not None else "write"
        if may_be_late and self._weather.strikes(self._weather.profile.late_write):
            return await self._weather.lag(self._process, label, signed)
        return await self._ask(label, signed)

    async def _write_if(self, key: str, effect: Callable[[], Awaitable[_T]]) -> _T:
        async def unless_conflict() -> _T:
            if self._weather.strikes(self._weather.profile.spurious_conflict):
                raise ObjectChanged(key)
            return await effect()

        return await self._write(key, unless_conflict)


class FaultyInbox(Remote):
    """A queue as ``process`` reaches it. ``deleting`` hears of messages before they are deleted."""

    def __init__(self, inner: MemoryInbox, weather: Weather, process: Process, deleting: Deleting) -> None:
        super().__init__(weather, process)
        self._inner = inner
        self._deleting = deleting

    async def receive(self, wait_seconds: float, limit: int = 10) -> list[Message]:
        """See ``Inbox.receive``."""
        weather = self._weather
        taken = await self._ask("receive", lambda: self._inner.receive(wait_seconds, limit))
        if taken and weather.strikes(weather.profile.redelivered):
            await self._inner.extend(taken, weather.random.randint(0, 5))
        return taken

    async def delete(self, messages: Sequence[Message]) -> None:
        """See ``Inbox.delete``."""

        async def effect() -> None:
            self._deleting(self._inner, messages)
            await self._inner.delete(messages)

        await self._ask("acknowledge", effect)

    async def extend(self, messages: Sequence[Message], seconds: int) -> None:
        """See ``Inbox.extend``."""
        await self._ask("extend", lambda: self._inner.extend(messages, seconds))

    async def depth(self) -> Depth:
        """See ``Inbox.depth``."""
        return await self._ask("depth", self._inner.depth)

    async def redrive(self) -> int:
        """See ``Inbox.redrive``."""
        return await self._ask("redrive", self._inner.redrive)

    async def purge(self) -> None:
        """See ``Inbox.purge``."""
        await self._ask("purge", self._inner.purge)


class FaultyFabric(Remote):
    """Rules and queues as ``process`` reaches them."""

    def __init__(
        self,
        inner: MemoryFabric,
        weather: Weather,
        process: Process,
        deleting: Deleting = lambda _inbox, _messages: None,
    ) -> None:
        super().__init__(weather, process)
        self._inner = inner
        self._deleting = deleting

    async def wire(self, run: str, agent: int, wiring: Wiring) -> None:
        """See ``Fabric.wire``."""
        await self._ask("wire", lambda: self._inner.wire(run, agent, wiring))

    async def unwire(self, run: str, agent: int) -> None:
        """See ``Fabric.unwire``."""
        await self._ask("unwire", lambda: self._inner.unwire(run, agent))

    async def circuits(self, run: str) -> list[Circuit]:
        """See ``Fabric.circuits``."""
        return await self._ask("circuits", lambda: self._inner.circuits(run))

    async def runs(self) -> list[str]:
        """See ``Fabric.runs``."""
        return await self._ask("circuits", self._inner.runs)

    async def dead_letters(self) -> Depth:
        """See ``Fabric.dead_letters``."""
        return await self._ask("depth", self._inner.dead_letters)

    def inbox(self, run: str, agent: int) -> FaultyInbox:
        """See ``Fabric.inbox``."""
        return FaultyInbox(self._inner.inbox(run, agent), self._weather, self._process, self._deleting)
