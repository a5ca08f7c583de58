"""Not faster than AWS allows, and again if it was too fast: how the fabric changes rules and queues in bulk.

EventBridge takes 50 PutRule and 50 PutTargets a second in the larger regions, fewer in others (Service Quotas). A flock of a few dozen is
wired in one go; a flock of a thousand is paced.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

from botocore.exceptions import ClientError

from murmur.aws.failures import code_of
from murmur.errors import Unavailable

T = TypeVar("T")

AT_ONCE: Final = 64
"""Changes that may follow each other without a pause."""
PER_SECOND: Final = 40.0
ATTEMPTS: Final = 6
_LONGEST_SECONDS: Final = 8.0
_QUOTA: Final = "LimitExceededException"
"""EventBridge's word for a quota that is used up: no patience helps."""


class Pace:
    """A bucket of ``at_once`` changes that fills again at ``per_second``; and patience with what is throttled."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        per_second: float = PER_SECOND,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._at_once = at_once
        self._per_second = per_second
        self._now = now
        self._sleep = sleep
        self._random = Random()
        self._left = float(at_once)
        self._filled_at = now()

    async def keep(self, change: Callable[[], Awaitable[T]]) -> T:
        """Make the change in its turn; again, each time later, while AWS is busy. Raises what it raises in the end."""
        for attempt in range(ATTEMPTS):
            await self._turn()
            try:
                return await change()
            except Unavailable as error:
                cause = error.__cause__
                used_up = isinstance(cause, ClientError) and code_of(cause) == _QUOTA
                if used_up or not isinstance(cause, ClientError) or attempt == ATTEMPTS - 1:
                    raise
            await self._sleep(self._random.uniform(0.0, min(_LONGEST_SECONDS, 0.5 * 2.0**attempt)))
        raise AssertionError("unreachable")

    async def _turn(self) -> None:
        """Wait for a place in the bucket. Places are given out in the order of asking, also to those who then wait."""
        now = self._now()
        self._left = min(float(self._at_once), self._left + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        self._left -= 1.0
        if self._left < 0:
            await self._sleep(-self._left / self._per_second)
