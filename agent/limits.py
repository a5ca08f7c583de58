"""What limits an agent's spending: pacing between turns, back-off after failures, halts, and the run's budget.

All are asked before a turn and fail closed: what cannot be told counts as spent.
"""

from __future__ import annotations

from random import Random
from typing import Final

from agent.ports import TurnOutcome
from murmur.config import FlockConfig
from murmur.entry import Cause
from murmur.state import Counters

STAGGER_FLOCK: Final = 64
"""The flock size for which staggerSeconds is the whole window."""
BACKOFF_CAP_SECONDS: Final = 900.0
RATE_LIMIT_BASE_SECONDS: Final = 15.0
FAILURES_TO_PARK: Final = 5
EVERYONE: Final[frozenset[Cause]] = frozenset({"start", "direction", "resume"})
"""Causes that strike the whole flock at once."""


class Pace:
    """When the next turn may begin, in monotonic seconds."""

    def __init__(self, agent: int, size: int, random: Random) -> None:
        self._place = agent / size
        self._size = size
        self._random = random
        self._ended_at = float("-inf")
        self._backed_off_until = float("-inf")
        self.failures = 0

    def ready_at(self, config: FlockConfig, cause: Cause, due_at: float) -> float:
        """Earliest start of a turn that became due at ``due_at``."""
        ready = max(self._ended_at + config.minTurnGapSeconds, self._backed_off_until)
        if cause in EVERYONE:
            ready = max(ready, due_at + config.staggerSeconds * self._size / STAGGER_FLOCK * self._place)
        return ready

    @property
    def backing_off_until(self) -> float:
        """End of the back-off; in the past when there is none."""
        return self._backed_off_until

    def succeeded(self, now: float) -> None:
        """A turn ended well."""
        self._ended_at, self.failures = now, 0

    def failed(self, now: float, outcome: TurnOutcome, config: FlockConfig) -> None:
        """A turn failed: back off exponentially with full jitter, never less than the other side asked for."""
        self._ended_at = now
        self.failures += 1
        base = RATE_LIMIT_BASE_SECONDS if outcome.rate_limited else max(1.0, config.minTurnGapSeconds)
        ceiling = min(BACKOFF_CAP_SECONDS, base * 2**self.failures)
        self._backed_off_until = now + max(outcome.retry_after_seconds, self._random.uniform(0, ceiling))

    def forgive(self) -> None:
        """The operator changed something: try again at once."""
        self.failures, self._backed_off_until = 0, float("-inf")


def spent(config: FlockConfig, counters: Counters, run_seconds: float) -> str:
    """Why the agent may take no further turn in this run; "" while it may."""
    if counters.turns >= config.maxTurnsPerAgent:
        return f"budget: {counters.turns} of {config.maxTurnsPerAgent} turns taken (maxTurnsPerAgent)"
    if run_seconds >= config.maxRunMinutes * 60:
        return f"budget: the run has lasted {config.maxRunMinutes:g} minutes (maxRunMinutes)"
    if counters.tokens >= config.maxTokensPerAgent:
        return f"budget: {counters.tokens} of {config.maxTokensPerAgent} tokens used (maxTokensPerAgent)"
    return ""


class Halt:
    """A stand-still that only the operator lifts: failed turns in a row, or the same words again and again."""

    def __init__(self) -> None:
        self._why = ""
        self._at: tuple[str, ...] = ()

    def call(self, why: str, at: tuple[str, ...]) -> None:
        """Stand still. ``at``: the versions of all that the operator may change."""
        self._why, self._at = why, at

    def why(self, now: tuple[str, ...]) -> str:
        """Why no turn may be taken; "" if one may."""
        return self._why if now == self._at else ""

    def lifted(self, now: tuple[str, ...]) -> bool:
        """Whether there was a halt, and the operator has changed something since. It is forgotten then."""
        if not self._why or now == self._at:
            return False
        self._why = ""
        return True


def looping(config: FlockConfig, repeats: int, words: str) -> str:
    """Why an agent that says the same again and again must stand still; "" while it says something new."""
    if repeats < config.maxRepeats:
        return ""
    return f"loop: it said the same {repeats} times in a row (maxRepeats): {words}"
