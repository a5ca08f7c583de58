"""What the simulation showed: each stretch of a run in numbers, and when the news arrived where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """What a stretch of a run took. ``requests``: by the name of S3's and SQS's actions, and ``events``."""

    seconds: float
    turns: int
    failed: int
    """Of ``turns``."""
    gated: int
    rescues: int
    requests: Counter[str]

    def __sub__(self, before: Span) -> Span:
        """What came after ``before``."""
        return Span(
            self.seconds - before.seconds,
            self.turns - before.turns,
            self.failed - before.failed,
            self.gated - before.gated,
            self.rescues - before.rescues,
            self.requests - before.requests,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the simulation showed: the work, then the quiet, then the news."""

    work: Span
    """From the start until the flock has settled (polling: until everybody knows that nothing is left)."""
    rest: Span
    """QUIET_SECONDS afterwards."""
    news: Span
    """From the operator's word to one agent until everybody has passed it on."""
    needed: int
    """Turns the work could not have done without: see ``needed_turns``."""
    learning_seconds: tuple[float, ...]
    """When each agent's line stood, in seconds after the first one's, ascending."""
    pieces: int
    crashes: int
    """Hosts that died."""
    parked: int
    """Agents that failed too often and stood still at the end: they never heard the news."""

    @property
    def reach_seconds(self) -> float:
        """From the first agent's line of the news to the last agent's."""
        return self.learning_seconds[-1]
