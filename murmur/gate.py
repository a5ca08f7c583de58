"""Is a wake worth a turn? Pure functions: the heart of the safety case (wake.md, "From message to turn", step 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from murmur.entry import Cause, LogEntry, Waker

MAX_WAKERS: Final = 16
"""How many waking entries a log line names; the cursor says the rest."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that may make a turn due, as the agent sees it now."""

    first_turn: bool = False
    """The agent has no entry in this run."""
    unfinished: bool = False
    """A turn was begun and left no line (a crash), or a wake came back for the second time with news still unseen."""
    resumed: bool = False
    direction_changed: bool = False
    directive_changed: bool = False
    config_changed: bool = False
    """A field that changes what the agent should do (FlockConfig.work)."""
    entries: Mapping[int, tuple[LogEntry, ...]] = field(default_factory=dict)
    """New entries by neighbour, those of the current neighbourhood only."""
    interval_passed: bool = False
    """loopIntervalSeconds went by since the last turn, and the agent has just looked at everything itself."""
    own_idle: bool = False
    """The agent's newest entry is idle."""
    output_changed: bool = False
    """Others changed output/ since this agent last looked; always false where outputNews is off."""
    found_by_looking: bool = False
    """What is new was found by the agent's own look, not by an event."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a turn is due, and why. ``cause`` means nothing unless ``due``."""

    due: bool
    cause: Cause = "interval"
    woken_by: tuple[Waker, ...] = ()


NO_TURN: Final = Verdict(due=False)


def news(entries: Mapping[int, tuple[LogEntry, ...]]) -> tuple[Waker, ...]:
    """The entries a neighbour must act on, oldest agent first; the newest ones if there are very many."""
    wakers = [
        Waker(agent=agent, iteration=e.iteration) for agent in sorted(entries) for e in entries[agent] if e.is_news
    ]
    return tuple(wakers[-MAX_WAKERS:])


def judge(situation: Situation) -> Verdict:
    """The gate: a turn is due if and only if one of wake.md's conditions holds."""
    wakers = news(situation.entries)
    changes: tuple[tuple[bool, Cause], ...] = (
        (situation.first_turn, "start"),
        (situation.unfinished, "repair"),
        (situation.resumed, "resume"),
        (situation.direction_changed, "direction"),
        (situation.directive_changed, "directive"),
        (situation.config_changed, "config"),
        (bool(wakers), "neighbour"),
    )
    for holds, cause in changes:
        if holds:
            return Verdict(True, _as_found(cause, situation), wakers)
    if situation.interval_passed and (not situation.own_idle or situation.output_changed):
        return Verdict(True, "interval")
    return NO_TURN


def _as_found(cause: Cause, situation: Situation) -> Cause:
    """What no event told of is put down to the interval: that is what rescued it."""
    rescued = situation.found_by_looking and cause in ("direction", "directive", "config", "neighbour")
    return "interval" if rescued else cause
