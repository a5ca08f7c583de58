"""Reading what events tell of, once for all agents of a host.

The two neighbours of a writer mostly live on one host and are woken by the same write. Both are told which version of which key it
was, so the first one's read serves the other, too: half the requests, and half the wait. A version that was told of is never older
than what a read begun after that finds, so a shared answer is as fresh as an own one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

from murmur.ports import Store, StoredObject

KEPT: Final = 256
"""Objects kept, the newest version of each; they are log tails and the operator's documents."""
_T = TypeVar("_T")


class SharedReader:
    """One per host. Only versions that an event named are shared; looking for oneself always asks the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[str, int], StoredObject] = {}
        self._under_way: dict[tuple[str, int, str], asyncio.Task[StoredObject]] = {}

    async def read(self, key: str, etag: str, *, start: int = 0, told: str = "") -> StoredObject | None:
        """The object from ``start``, or None if its ETag is still ``etag``. ``told``: the version an event named, "" for none.

        Raises what ``Store.get_if_changed`` raises.
        """
        if not told:
            return await self._store.get_if_changed(key, etag, start=start)
        kept = self._kept.get((key, start))
        if kept is not None and kept.etag == told:
            return kept
        place = (key, start, told)
        task = self._under_way.get(place)
        if task is None:
            task = self._under_way[place] = asyncio.ensure_future(self._store.get(key, start=start))
            task.add_done_callback(lambda done: self._keep(place, done))
        return await asyncio.shield(task)

    async def together(self, reads: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
        """Several reads at once; what each came to, in order. Where a read takes no time (a store in memory), they may as well queue."""
        return await asyncio.gather(*reads)

    def _keep(self, place: tuple[str, int, str], done: asyncio.Task[StoredObject]) -> None:
        self._under_way.pop(place, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._kept.pop(place[:2], None)
        self._kept[place[:2]] = done.result()
        while len(self._kept) > KEPT:
            self._kept.pop(next(iter(self._kept)))
