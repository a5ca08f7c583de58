"""How rough the simulated world is: delays as seconds, faults as rates. One profile a scenario, or a comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Profile:
    """Rates are probabilities per request, event, turn or minute, as each says; 0 switches a fault off."""

    name: str
    latency_seconds: float = 0.02
    """Mean of a request's way there, and of its way back."""
    delivery_seconds: float = 0.8
    """Median from a write to its message in a queue."""
    delivery_sigma: float = 0.6
    """Spread of its logarithm: 0.8 s at the median is then 0.3 s at p5 and 2.1 s at p95."""
    event_lost: float = 0.0
    event_doubled: float = 0.0
    event_late: float = 0.0
    """Per event: it takes minutes."""
    unavailable: float = 0.0
    """Per request: no answer. Half of the time the request was carried out all the same."""
    late_write: float = 0.0
    """Per write: no answer, and it is carried out up to LATE_SECONDS later, maybe after others."""
    spurious_conflict: float = 0.0
    """Per conditional write: 409, and nothing was written."""
    stale_listing: float = 0.0
    """Per listing: it is up to STALE_SECONDS old."""
    redelivered: float = 0.0
    """Per receive: the messages' visibility ends after seconds."""
    bad_turn: float = 0.0
    """Per turn: the mind hangs, refuses, is rate-limited, silent, dies, speaks twice, or leaves a write behind."""
    crashes_per_minute: float = 0.0
    """Per flock: a host dies at one of its next requests, or in the midst of an append."""
    zombies_per_minute: float = 0.0
    """Per flock: a host is thought dead, and is not."""
    outages_per_minute: float = 0.0
    """Per flock: for seconds nothing answers."""
    lifecycle_dies: float = 0.0
    """Per action of the lifecycle: it dies at one of its requests."""
    skew_seconds: float = 0.0
    """Clocks of hosts are wrong by up to this."""
    operator_seconds: float = 45.0
    """Mean between two acts of the operator."""

    def delivery(self, random: Random) -> float:
        """How long this event travels."""
        if random.random() < self.event_late:
            return random.uniform(*EVENT_LATE_SECONDS)
        return self.delivery_seconds * random.lognormvariate(0.0, self.delivery_sigma)

    @property
    def mean_delivery_seconds(self) -> float:
        """What a delivery takes on average, where nothing goes wrong."""
        return self.delivery_seconds * math.exp(self.delivery_sigma**2 / 2)


LATE_SECONDS: Final = 20.0
EVENT_LATE_SECONDS: Final = (30.0, 240.0)
"""How long a late event takes."""
STALE_SECONDS: Final = 2.0
"""How old a stale listing is, at most."""

CALM: Final = Profile("calm")
AWS: Final = Profile(
    "aws",
    event_doubled=0.002,
    event_late=0.002,
    unavailable=0.001,
    redelivered=0.002,
    bad_turn=0.03,
    crashes_per_minute=0.05,
    lifecycle_dies=0.005,
    skew_seconds=0.1,
)
"""As published (November 2026): S3 to EventBridge "typically seconds, sometimes a minute or longer", EventBridge itself 148 ms at the
median and 387 ms at p99, SQS 16 ms and 105 ms: 0.3 to 2 s in all; at least once, and unordered."""
DEFAULT: Final = Profile(
    "default",
    event_lost=0.05,
    event_doubled=0.05,
    event_late=0.05,
    unavailable=0.01,
    late_write=0.02,
    spurious_conflict=0.005,
    redelivered=0.05,
    bad_turn=0.12,
    crashes_per_minute=0.6,
    zombies_per_minute=0.3,
    outages_per_minute=0.15,
    lifecycle_dies=0.05,
    skew_seconds=1.0,
)
HARSH: Final = Profile(
    "harsh",
    latency_seconds=0.08,
    delivery_seconds=2.0,
    event_lost=0.4,
    event_doubled=0.2,
    event_late=0.15,
    unavailable=0.04,
    late_write=0.05,
    spurious_conflict=0.02,
    stale_listing=0.05,
    redelivered=0.2,
    bad_turn=0.25,
    crashes_per_minute=1.5,
    zombies_per_minute=1.0,
    outages_per_minute=0.5,
    lifecycle_dies=0.2,
    skew_seconds=5.0,
    operator_seconds=25.0,
)
PROFILES: Final = {profile.name: profile for profile in (CALM, AWS, DEFAULT, HARSH)}
FAULTS: Final = {"none": CALM, "aws": AWS, "default": DEFAULT}
"""What ``murmur simulate --faults`` offers."""
