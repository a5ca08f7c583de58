"""What is asked of the simulation: which flock, how rough a world, and which of the two designs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from murmur import ring
from murmur.config import FlockConfig
from murmur.simulate.profile import FAULTS, Profile

Mode = Literal["event", "polling"]
LONGEST_RUN_MINUTES: Final = 10_080.0
"""The budget of a simulated run: more than any that comes to an end needs."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the simulation."""

    agents: int = 64
    radius: int = 1
    think_seconds: float = 20.0
    mode: Mode = "event"
    seed: int = 7
    faults: str = "none"
    contributions: int = 100
    interval_seconds: float = 30.0

    @property
    def hops(self) -> int:
        """How many hops the news of one agent needs."""
        return ring.hops_to_everyone("amorphous", self.agents, self.radius)

    @property
    def profile(self) -> Profile:
        """How rough it is."""
        return FAULTS[self.faults]

    @property
    def delivery_seconds(self) -> float:
        """A delivery's mean, where nothing goes wrong."""
        return self.profile.mean_delivery_seconds

    @property
    def limit_seconds(self) -> float:
        """hops × (think + delivery): no design whose news goes from neighbour to neighbour is faster on average."""
        return self.hops * (self.think_seconds + self.delivery_seconds)

    @property
    def hosts(self) -> int:
        """How many hosts the flock needs."""
        return -(-self.agents // FlockConfig().agentsPerInstance)

    def config(self) -> FlockConfig:
        """The flock that is simulated: defaults but for what the question names, and budgets that do not end it. Raises InvalidConfig."""
        return FlockConfig.parse(
            {
                "concurrency": self.agents,
                "neighbourRadius": self.radius,
                "loopIntervalSeconds": self.interval_seconds,
                "idleTimeoutSeconds": 86_400.0,
                "maxRunMinutes": LONGEST_RUN_MINUTES,
                "maxTurnsPerAgent": 100_000,
                "turnTimeoutSeconds": max(600.0, 2 * self.think_seconds),
            }
        )
