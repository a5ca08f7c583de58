"""boto3 blocks, so its calls run in threads: quick ones in one bounded pool, long polls each in a thread of its own.

The pool is shared over event loops. A long poll's thread is a daemon: a process that stops does not wait for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, ParamSpec, TypeVar

from murmur.aws.failures import murmur_errors

P = ParamSpec("P")
T = TypeVar("T")

_POOL: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="aws")


async def call(what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one quick call. Raises murmur's errors; ``what`` names the thing it concerns, such as a key or a queue.

    If the wait is cancelled the call still runs to its end: a write may then have happened or not.
    """

    def run() -> T:
        with murmur_errors(what):
            return function(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_POOL, run)


def post(function: Callable[[], object]) -> None:
    """Run a quick call that nobody waits for."""
    _POOL.submit(function)


class Poll(Generic[T]):
    """A blocking call in a daemon thread, whose result is taken by at most one waiter at a time.

    If nobody waits when it ends, or the wait is cancelled at that very moment, the result goes to ``unwanted``: a message
    that nobody took must not stay invisible. ``over`` says that the result is gone, one way or the other.
    """

    def __init__(self, function: Callable[[], T], unwanted: Callable[[T], None]) -> None:
        self._function = function
        self._unwanted = unwanted
        self._lock = threading.Lock()
        self._outcome: tuple[T | None, BaseException | None] | None = None
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self.over = False
        threading.Thread(target=self._run, name="aws-poll", daemon=True).start()

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for it now."""
        return self._waiter is not None

    async def take(self, seconds: float) -> T | None:
        """Wait up to ``seconds`` for the result; None if it is not there yet, and it may be waited for again."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self.over:
                return None
            self._waiter = (loop, future)
        try:
            await asyncio.wait({future}, timeout=seconds)
        except asyncio.CancelledError:
            if (outcome := self._leave()) is not None and outcome[1] is None:
                result = outcome[0]
                post(lambda: self._unwanted(result))  # type: ignore[arg-type]
            raise
        outcome = self._leave()
        if outcome is None:
            return None
        result, error = outcome
        if error is not None:
            raise error
        return result

    def _leave(self) -> tuple[T | None, BaseException | None] | None:
        with self._lock:
            self._waiter = None
            self.over = self._outcome is not None
            return self._outcome

    def _run(self) -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = self._function()
        except BaseException as failure:  # noqa: BLE001 - it is raised again where it is waited for
            error = failure
        with self._lock:
            waiter = self._waiter
            self._outcome = (result, error)
            self.over = waiter is None
        if waiter is not None:
            loop, future = waiter
            try:
                loop.call_soon_threadsafe(_wake, future)
            except RuntimeError:  # the loop was closed meanwhile
                waiter = None
        if waiter is None and error is None:
            self._unwanted(result)  # type: ignore[arg-type]


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
