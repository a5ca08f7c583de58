"""Which connections asked to see the queues."""

from __future__ import annotations

from typing import Protocol


class Watchers(Protocol):
    """Who watches the queues."""

    async def set(self, connection: str, *, watching: bool) -> None:
        """Note whether this connection watches."""
        ...

    async def all(self) -> frozenset[str]:
        """Every connection that does."""
        ...


class MemoryWatchers:
    """Watchers of one process."""

    def __init__(self) -> None:
        self._watching: set[str] = set()

    async def set(self, connection: str, *, watching: bool) -> None:
        """See ``Watchers.set``."""
        (self._watching.add if watching else self._watching.discard)(connection)

    async def all(self) -> frozenset[str]:
        """See ``Watchers.all``."""
        return frozenset(self._watching)
