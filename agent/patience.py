"""Waiting that a stop may end, and trying again that an outage may not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final, TypeVar

from agent.lease import Over
from murmur.errors import Unavailable
from murmur.ports import Clock

LONGEST_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Patience:
    """How one agent waits. ``stop`` ends every wait."""

    def __init__(self, clock: Clock, random: Random, who: str) -> None:
        self._clock = clock
        self._random = random
        self._who = who
        self.over = Over("")
        """Why it stops, once it does."""
        self._end: asyncio.Future[None] | None = None
        """Done once it is stopped. One for all waits: an agent does little else than wait."""

    @property
    def stopped(self) -> bool:
        """Whether every wait has ended."""
        return bool(self.over.why)

    def stop(self, over: Over) -> None:
        """End every wait. The first reason stands, unless a later one forbids to write."""
        if not self.stopped or over.disowned:
            self.over = over
        if self._end is not None and not self._end.done():
            self._end.set_result(None)

    async def wait(self, task: asyncio.Future[_T]) -> bool:
        """Wait until ``task`` is done, or the agent is stopped. Returns whether the task is."""
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
            if self.stopped:
                self._end.set_result(None)
        either: tuple[asyncio.Future[Any], ...] = (task, self._end)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return task.done()

    async def unless_stopped(self, work: Awaitable[_T]) -> _T | None:
        """Await ``work``; None as soon as the agent is stopped."""
        task = asyncio.ensure_future(work)
        try:
            return task.result() if await self.wait(task) else None
        finally:
            task.cancel()

    async def until_done(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work``, again and again, ever more slowly, while the cloud does not answer."""
        delay = 0.5
        while not self.stopped:
            try:
                await work()
            except Unavailable as error:
                _log.warning("%s: %s", self._who, error)
                await self.unless_stopped(self._clock.sleep(self._random.uniform(delay / 2, delay)))
                delay = min(LONGEST_SECONDS, delay * 2)
            else:
                return

    async def after_silence(self, error: Exception, seconds: float) -> None:
        """The inbox did not answer: wait a little, at most ``seconds``."""
        _log.warning("%s: inbox: %s", self._who, error)
        await self.unless_stopped(self._clock.sleep(min(max(seconds, 0.05), self._random.uniform(0.5, 2.0))))
