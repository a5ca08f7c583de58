"""How long an event of S3 takes to reach a queue, drawn from a seeded distribution; and how often it never does.

The ``aws`` profile follows what is published (shared research, November 2026): EventBridge alone 148 ms at the median and 387 ms at p99,
SQS 16 ms and 105 ms, and S3's own "typically seconds, sometimes a minute or longer" without a percentile: 0.3 to 2 s a hop in all.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from random import Random
from typing import Final

from murmur.memory.inbox import MemoryInbox


@dataclass(frozen=True, slots=True)
class DeliveryProfile:
    """A log-normal delay, and three ways in which at-least-once delivery may go wrong, each with its share of all deliveries."""

    median_seconds: float = 0.7
    sigma: float = 0.45
    """Spread of the logarithm: 0.7 s at the median is then 0.25 s at p1 and 2.0 s at p99."""
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    late_seconds: tuple[float, float] = (30.0, 120.0)

    @property
    def mean_seconds(self) -> float:
        """What a delivery takes on average, where nothing goes wrong."""
        return self.median_seconds * math.exp(self.sigma**2 / 2)


AWS: Final = DeliveryProfile()
AWS_FAULTY: Final = DeliveryProfile(lost=0.01, doubled=0.01, late=0.005)
"""Far worse than AWS, so that a run of minutes shows what the fallback makes up for."""
PROFILES: Final = {"none": AWS, "default": AWS_FAULTY}
"""By the name ``--faults`` gives them."""


class Courier:
    """A Carrier (murmur.memory.fabric) that takes as long as ``profile`` says."""

    def __init__(self, profile: DeliveryProfile, random: Random) -> None:
        self._profile = profile
        self._random = random
        self.sent = 0
        self.lost = 0

    def __call__(self, inbox: MemoryInbox, body: str) -> None:
        """Send ``body`` on its way."""
        self.sent += 1
        if self._random.random() < self._profile.lost:
            self.lost += 1
            return
        self._deliver(inbox, body)
        if self._random.random() < self._profile.doubled:
            self._deliver(inbox, body)

    def _deliver(self, inbox: MemoryInbox, body: str) -> None:
        profile = self._profile
        seconds = self._random.lognormvariate(math.log(profile.median_seconds), profile.sigma)
        if self._random.random() < profile.late:
            seconds += self._random.uniform(*profile.late_seconds)
        asyncio.get_running_loop().call_later(seconds, _push, inbox, body)


def no_delivery(_inbox: MemoryInbox, _body: str) -> None:
    """The Carrier of a flock that polls: no event is sent at all."""


def _push(inbox: MemoryInbox, body: str) -> None:
    if inbox.exists:
        inbox.push(body)
