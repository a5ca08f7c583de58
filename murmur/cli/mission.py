"""The engine of ``murmur run``: start, follow, decide that it is over, stop, count. No terminal and no processes in here."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from murmur.cli import exits
from murmur.cli.shapes import Status
from murmur.cli.text import clean, duration, plural
from murmur.errors import MurmurError, WrongState

if TYPE_CHECKING:
    from murmur.cli.client import Client
    from murmur.cli.feed import Feed
    from murmur.cli.view import View

LOST_SECONDS: Final = 30.0
"""A flock not heard for this long is given up."""
STOP_SECONDS: Final = 120.0
"""Longest wait for ``stopped``."""
GRACE_SECONDS: Final = 60.0
"""What a flock gets beyond its own maxRunMinutes, so that its own reason is heard."""
_TICK_SECONDS: Final = 0.5


class Interrupted(Exception):
    """Ctrl-C before the run began: there is nothing to stop."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. None: leave what the flock has."""

    direction: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    max_seconds: float | None = None
    """None: as long as the flock's own maxRunMinutes allow."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. ``code`` is the exit code."""

    kind: str
    """``settled``, ``limit``, ``stopped``, ``parked``, ``interrupted`` or ``lost``."""
    reason: str
    code: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened in the run, counted from the agents' logs and counters."""

    entries: int
    causes: Mapping[str, int]
    status: Status


class Mission:
    """One run of a flock, from start to stopped. ``interrupt`` is set by the first Ctrl-C."""

    def __init__(self, client: Client, feed: Feed, view: View, interrupt: threading.Event) -> None:
        self._client = client
        self._feed = feed
        self._view = view
        self._interrupt = interrupt
        self.run = ""

    def check(self) -> None:
        """Raise Interrupted if Ctrl-C was pressed."""
        if self._interrupt.is_set():
            raise Interrupted

    def clear(self, *, take_over: bool) -> None:
        """See that no run is on. ``take_over``: nobody else's can be, so one that was cut off is ended. Raises WrongState."""
        status = Status.parse(self._client.status())
        if status.state == "stopped":
            return
        if not take_over:
            raise WrongState(
                f"A run is already on in this flock (run {status.run}, {status.state}).",
                "End it with `murmur stop --wait`, give it another goal with `murmur direction set`, or use another --home.",
            )
        self._view.phase(f"run {status.run} was cut off earlier; it is ended first, and moves to the history")
        self.run = status.run
        self._feed.picture.begin(status.run)
        self._stop()

    def carry_out(self, plan: Plan) -> Outcome:
        """Start, follow until it is over, stop. Raises what the flock answers to start; later trouble becomes the outcome."""
        self.check()
        deadline = time.monotonic() + (plan.max_seconds or self._own_limit())
        body: dict[str, object] = {"config": dict(plan.config)} if plan.config else {}
        if plan.direction is not None:
            body["direction"] = plan.direction
        self.run = clean(self._client.control("start", body).get("run", ""), 40)
        self._feed.picture.begin(self.run)
        self._feed.ask_next()
        self._view.phase(f"run {self.run} started")
        try:
            outcome = self._follow(deadline)
            self._view.phase(f"{outcome.kind}: {outcome.reason}" if outcome.reason else outcome.kind)
        except MurmurError as error:
            outcome = Outcome("lost", str(error), exits.UNREACHABLE if error.code == "unreachable" else exits.ERROR)
        finally:
            self._stop()
        return outcome

    def tally(self) -> Tally:
        """Count the run's turns by cause. Raises Unreachable, Answered."""
        status = Status.parse(self._client.status())
        causes: Counter[str] = Counter()
        for agent in range(max(status.concurrency, len(status.agents))):
            causes.update(str(entry.get("cause", "unknown")) for entry in self._client.log(agent))
        return Tally(causes.total(), dict(causes.most_common()), status)

    def _own_limit(self) -> float:
        minutes: Any = self._client.config().get("maxRunMinutes", 120)
        return float(minutes) * 60 + GRACE_SECONDS

    def _follow(self, deadline: float) -> Outcome:
        while True:
            fresh = self._feed.update(_TICK_SECONDS)
            self._view.refresh(self._feed, fresh)
            if self._interrupt.is_set():
                return Outcome("interrupted", "stopped by Ctrl-C", exits.INTERRUPTED)
            if self._feed.problem and self._feed.lost_seconds > LOST_SECONDS:
                return Outcome("lost", str(self._feed.problem), exits.UNREACHABLE)
            ended = self._judge(self._feed.picture.status)
            if ended:
                return ended
            if time.monotonic() >= deadline:
                return self._too_late()

    def _judge(self, seen: Status) -> Outcome | None:
        """Whether the run is over; None while it is not."""
        if seen.run and seen.run != self.run:
            return Outcome("stopped", f"somebody started another run ({seen.run})", exits.NOT_SETTLED)
        if seen.state in ("stopping", "stopped"):
            return Outcome("stopped", seen.reason or "the flock was stopped before it settled", exits.NOT_SETTLED)
        if seen.state != "settled":
            return None
        # A push may be ahead of the agents it speaks of: what they are is asked for now.
        told = self._client.status()
        status = Status.parse(told)
        if status.state != "settled" or status.run != self.run:
            self._feed.picture.take_status(told)
            return None
        if status.parked:
            first = status.parked[0]
            who = plural(len(status.parked), "agent") + " parked"
            return Outcome("parked", f"{who}, agent-{first.id}: {first.detail or 'no reason given'}", exits.NOT_SETTLED)
        return Outcome("settled", status.reason, exits.OK)

    def _too_late(self) -> Outcome:
        status = self._feed.picture.status
        busy = sum(agent.status not in ("idle", "parked", "stopped") for agent in status.agents)
        words = f"not settled when its time was up; {plural(busy, 'agent')} of {len(status.agents)} still had work"
        return Outcome("limit", words, exits.NOT_SETTLED)

    def _stop(self) -> None:
        """Ask to stop and wait until it has; a flock that cannot be asked is left to whoever runs it."""
        self._view.phase("stopping …")
        deadline = time.monotonic() + STOP_SECONDS
        try:
            if self._feed.picture.status.run in ("", self.run):
                self._client.control("stop")
            while time.monotonic() < deadline:
                status = self._client.status()
                self._view.refresh(self._feed, self._feed.picture.take_status(status))
                if status.get("state") == "stopped" or status.get("run") != self.run:
                    return
                time.sleep(_TICK_SECONDS / 2)
        except MurmurError as error:
            self._view.phase(f"could not stop it: {clean(error, 300)}")
            return
        self._view.phase(f"it has not said stopped for {duration(STOP_SECONDS)}")
