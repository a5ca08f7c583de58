"""What a function keeps from one event to the next: Lambda calls its handler for one at a time, in a process that stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Warm(Generic[T]):
    """One thing, made at the first event, and one event loop for all that is done with it: connections outlive a call."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._runner: asyncio.Runner | None = None

    def run(self, work: Callable[[T], Coroutine[Any, Any, R]]) -> R:
        """Do the work to its end. Raises what it raises, or what making the thing raises: then it is made at the next event."""
        if self._made is None:
            self._made = self._make()
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work(self._made))

    def close(self) -> None:
        """Forget the thing and end the loop; Lambda never asks for it, tests do."""
        self._made = None
        if self._runner is not None:
            self._runner.close()
            self._runner = None
