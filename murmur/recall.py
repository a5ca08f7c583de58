"""What was read of an object, kept for as long as a listing shows the version that was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Recall(Generic[T]):
    """The newest reading of each key; one per process. None of it is needed to be right: a process that forgets reads again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, T]] = {}

    async def read(self, key: str, listed: Mapping[str, str], read: Callable[[str], Awaitable[T]], absent: T) -> T:
        """What ``read(key)`` gives, or gave for the version that ``listed`` (key → ETag) shows; ``absent`` where it shows none.

        A reading is never older than the listing before it, so one that is kept is never older than what the listing shows.
        """
        etag = listed.get(key)
        if etag is None:
            self._kept.pop(key, None)
            return absent
        kept = self._kept.get(key)
        if kept is None or kept[0] != etag:
            kept = self._kept[key] = (etag, await read(key))
        return kept[1]
