"""Virtual time: an asyncio loop whose clock jumps to the next timer as soon as nothing else can happen.

Everything that waits through the loop (``asyncio.sleep``, timeouts, the twins' long polls) takes no real time, and the order of
events is the order of their times: a run is a function of its seed.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LOOK_AROUND: Final = 64
"""Nothing comes from outside but Ctrl-C, so the operating system is asked only now and then."""
_T = TypeVar("_T")


class Stuck(RuntimeError):
    """Every task waits for something that no timer will bring: the simulated world has come to a halt."""


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("no task can run and no timer is set")
        self.now += max(0.0, timeout)
        self._turns += 1
        return [] if self._turns % _LOOK_AROUND else super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which starts at 0.0 seconds."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now


class VirtualClock:
    """The Clock of the virtual loop that it is first asked in."""

    _loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        """Virtual UTC."""
        return EPOCH + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Virtual seconds."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(max(0.0, seconds))


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run ``main`` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
