"""How rough the simulated world is: delays as seconds, faults as rates. One profile a scenario."""

from __future__ import annotations

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
    event_lost: float = 0.0
    event_doubled: float = 0.0
    event_late: float = 0.0
    """Per event: it takes minutes."""
    unavailable: float = 0.0
    """Per request: no answer. Half of the time the request was carried out all the same."""
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
            return random.uniform(30.0, 240.0)
        return self.delivery_seconds * random.lognormvariate(0.0, 0.6)


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
"""shared/research/aws.md: typically seconds, sometimes a minute or longer; at least once; unordered."""
DEFAULT: Final = Profile(
    "default",
    event_lost=0.05,
    event_doubled=0.05,
    event_late=0.05,
    unavailable=0.01,
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
