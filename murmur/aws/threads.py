"""boto3 blocks, so its calls run in threads: quick ones in one bounded pool, long polls each in a thread of its own.

The pool is shared over event loops. A long poll's thread is a daemon: a process that stops does not wait for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, Generic, ParamSpec, TypeVar

from murmur.aws.failures import murmur_errors

P = ParamSpec("P")
T = TypeVar("T")

_GRACE_SECONDS: Final = 0.2
_POOL: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="aws")


async def call(what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one quick call. Raises murmur's errors; ``what`` names the thing it concerns, such as a key or a queue.

    If the wait is cancelled the call still runs to its end: a write may then have happened or not.
    """

    def run() -> T:
        with murmur_errors(what):
            try:
                return function(*args, **kwargs)
            except StopIteration as error:  # asyncio cannot pass it on: whoever waits would wait for ever
                raise RuntimeError(f"{what}: an iterator ended where it should not") from error

    return await asyncio.get_running_loop().run_in_executor(_POOL, run)


def post(function: Callable[[], object]) -> None:
    """Run a quick call that nobody waits for."""
    _POOL.submit(function)


class Poll(Generic[T]):
    """A blocking call in a daemon thread, whose result is taken by at most one waiter at a time.

    A wait may end before the call does, and another begin. If nobody has come for the result a moment after it is there, it
    goes to ``unwanted``: a message that nobody took must not stay invisible. ``over`` says that it is gone, either way.
    """

    def __init__(self, function: Callable[[], T], unwanted: Callable[[T], None]) -> None:
        self._function = function
        self._unwanted = unwanted
        self._lock = threading.Lock()
        self._outcome: _Outcome[T] | None = None
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._came_for = threading.Event()
        self.over = False
        threading.Thread(target=self._run, name="aws-poll", daemon=True).start()

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for it now."""
        return self._waiter is not None

    async def take(self, seconds: float) -> T | None:
        """Wait up to ``seconds`` for the result; None if it is not there yet, or is gone. Raises what the call raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self.over:
                return None
            self._waiter = (loop, future)
            if self._outcome is not None:
                future.set_result(None)
        try:
            await asyncio.wait({future}, timeout=seconds)
        except asyncio.CancelledError:
            if (outcome := self._leave()) is not None:
                post(partial(outcome.give, self._unwanted))
            raise
        outcome = self._leave()
        return None if outcome is None else outcome.take()

    def _leave(self) -> _Outcome[T] | None:
        """Stop waiting; the outcome, if it is there, is then the caller's."""
        with self._lock:
            self._waiter = None
            if self._outcome is not None:
                self.over = True
                self._came_for.set()
            return self._outcome

    def _run(self) -> None:
        try:
            outcome = _Outcome(self._function())
        except BaseException as failure:  # noqa: BLE001 - it is raised again where it is waited for
            outcome = _Outcome(None, failure)
        with self._lock:
            self._outcome = outcome
            waiter = self._waiter
        if waiter is not None:
            loop, future = waiter
            with suppress(RuntimeError):  # the loop was closed meanwhile: then nobody comes
                loop.call_soon_threadsafe(_wake, future)
        self._came_for.wait(_GRACE_SECONDS)
        with self._lock:
            if self.over or (self._waiter is not None and not self._waiter[0].is_closed()):
                return
            self.over = True
        outcome.give(self._unwanted)


class _Outcome(Generic[T]):
    """What a call gave or raised."""

    def __init__(self, result: T | None, error: BaseException | None = None) -> None:
        self._result = result
        self._error = error

    def take(self) -> T | None:
        """The result, or the error raised."""
        if self._error is not None:
            raise self._error
        return self._result

    def give(self, receiver: Callable[[T], None]) -> None:
        """Hand the result, if there is one, to ``receiver``."""
        if self._result is not None:
            receiver(self._result)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
