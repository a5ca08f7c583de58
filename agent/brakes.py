"""Whether a turn that is due may be taken, and when: pacing, halts and the budget (agent/limits.py), asked as one."""

from __future__ import annotations

from agent.journal import Journal
from agent.limits import FAILURES_TO_PARK, Halt, Pace, looping, spent
from agent.ports import TurnOutcome
from agent.view import View
from murmur.entry import Cause, LogEntry, moment
from murmur.ports import Clock
from murmur.state import Counters


class Brakes:
    """What holds one agent back. A turn that is held stays due: the cursor does not move."""

    def __init__(self, pace: Pace, clock: Clock, view: View, journal: Journal) -> None:
        self._clock = clock
        self._view = view
        self._journal = journal
        self._pace = pace
        self._halt = Halt()
        self._due_at = 0.0
        self.until: float | None = None
        """When the turn that is due may begin, in monotonic seconds; None when none is held."""

    def refusal(self, counters: Counters) -> str:
        """Why no turn may be taken at all; "" if one may. What the operator changes lifts a halt."""
        now = self._operators_word()
        if self._halt.lifted(now):
            self._pace.forgive()
            self._journal.forgive_repeats()
        started = moment(self._view.control.started)
        seconds = (self._clock.now() - started).total_seconds() if started else 0.0
        return self._halt.why(now) or spent(self._view.config, counters, seconds)

    def hold(self, cause: Cause) -> float:
        """Hold the turn that is due for ``cause`` as long as pacing demands; returns how many seconds, 0.0 for not at all."""
        now = self._clock.monotonic()
        if self.until is None:
            self._due_at = now
        ready = self._pace.ready_at(self._view.config, cause, self._due_at)
        if ready <= now:
            return 0.0
        self.until = ready
        return ready - now

    def hold_for(self, seconds: float) -> None:
        """Hold the turn that is due, which could not begin."""
        self.until = self._clock.monotonic() + seconds

    def release(self) -> None:
        """Nothing is due any more."""
        self.until = None

    @property
    def backing_off(self) -> bool:
        """Whether what is held waits because of failures, not for its pace."""
        return self.until is not None and self._pace.backing_off_until >= self.until

    def turn_ended(self, entry: LogEntry, outcome: TurnOutcome) -> None:
        """Learn from a turn: back off after a failure; halt after too many, after one that cannot get better, or in a loop."""
        now = self._clock.monotonic()
        if not entry.failed:
            self._pace.succeeded(now)
            why = looping(self._view.config, self._journal.repeats, entry.action)
        else:
            self._pace.failed(now, outcome, self._view.config)
            hopeless = outcome.fatal or self._pace.failures >= FAILURES_TO_PARK
            why = f"{self._pace.failures} failed turns in a row, the last: {entry.result}" if hopeless else ""
        if why:
            self._halt.call(why, self._operators_word())

    def _operators_word(self) -> tuple[str, ...]:
        """The versions of all that the operator may change."""
        return (*self._view.documents().values(), self._view.config.model_dump_json())
