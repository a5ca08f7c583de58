"""One event loop for the life of a process: Lambda calls handlers one at a time, and connections outlive a call."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """Runs coroutines to their end, all on one loop that is made at the first."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it. Raises what it raises."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)

    def close(self) -> None:
        """End the loop; Lambda never asks for it, tests do."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None
