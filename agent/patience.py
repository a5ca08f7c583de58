"""Waiting that a stop may end, and trying again that an outage may not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

from agent.lease import Over
from murmur.errors import Unavailable
from murmur.ports import Clock

LONGEST_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Patience:
    """How one agent waits. ``stopping`` ends every wait."""

    def __init__(self, clock: Clock, random: Random, who: str) -> None:
        self._clock = clock
        self._random = random
        self._who = who
        self.stopping = asyncio.Event()
        self.over = Over("")
        """Why it stops, once it does."""

    def stop(self, over: Over) -> None:
        """End every wait. The first reason stands, unless a later one forbids to write."""
        if not self.stopping.is_set() or over.disowned:
            self.over = over
        self.stopping.set()

    async def unless_stopped(self, work: Awaitable[_T]) -> _T | None:
        """Await ``work``; None as soon as the agent is stopped."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            stop.cancel()

    async def until_done(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work``, again and again, ever more slowly, while the cloud does not answer."""
        delay = 0.5
        while not self.stopping.is_set():
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
