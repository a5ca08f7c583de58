"""The fallback: when an agent looks for itself, and what it sees that no event told of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from agent.journal import Journal
from agent.view import View
from murmur.cursor import Cursor, listing_version
from murmur.gate import Situation
from murmur.listing import output_files
from murmur.ports import Clock, Store

RESCUE_GRACE_SECONDS: Final = 2.0
"""A change younger than this may still have its event under way: finding it first is no rescue."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the last look showed beside the view, until a round has judged it."""

    interval_passed: bool = False
    """loopIntervalSeconds went by since the last turn."""
    by_looking: bool = False
    """What is new was found by looking, not told by an event."""
    output_changed: bool = False


NOTHING: Final = Sighting()


class Lookout:
    """Keeps the interval of one agent, and says what its situation is."""

    def __init__(self, store: Store, clock: Clock, view: View, journal: Journal) -> None:
        self._store = store
        self._clock = clock
        self._view = view
        self._journal = journal
        self._looked_at = self._ended_at = clock.monotonic()
        self.sighting = NOTHING

    def looks_at(self) -> float:
        """When to look next: an interval after the last look, and once when the last turn is an interval ago."""
        interval = self._view.config.loopIntervalSeconds
        looked_since = self._looked_at >= self._ended_at + interval
        return (self._looked_at if looked_since else min(self._looked_at, self._ended_at)) + interval

    async def look(self, cursor: Cursor, *, told: bool) -> int:
        """Look at everything; returns how many changes are rescues. ``told``: events told of something in this round."""
        found = await self._view.look()
        now = self._clock.now()
        self._looked_at = self._clock.monotonic()
        self.sighting = Sighting(
            interval_passed=self._looked_at >= self._ended_at + self._view.config.loopIntervalSeconds,
            by_looking=bool(found) and not told,
            output_changed=await self._output_changed(cursor),
        )
        return sum(now - item.modified > timedelta(seconds=RESCUE_GRACE_SECONDS) for item in found)

    async def _output_changed(self, cursor: Cursor) -> bool:
        if not self._view.config.outputNews or not self._journal.own_idle:
            return False
        return listing_version(await output_files(self._store)) != cursor.documents.get("output", "")

    def turn_begins(self) -> None:
        """A turn sees everything afresh as it begins."""
        self._looked_at = self._clock.monotonic()

    def turn_ended(self) -> None:
        """The interval counts from here."""
        self._ended_at = self._clock.monotonic()

    def situation(self, cursor: Cursor, *, unfinished: bool) -> Situation:
        """All that may make a turn due: the view, where it differs from the cursor, and the last sighting."""
        before, now = cursor.documents, self._view.documents()
        changed = {name for name, version in now.items() if before.get(name, "") != version}
        return Situation(
            first_turn=not before,  # no turn of this run has succeeded yet
            unfinished=unfinished,
            resumed="resumes" in changed,
            direction_changed="direction" in changed,
            directive_changed="directive" in changed,
            config_changed="config" in changed,
            entries=self._view.new_entries(cursor),
            interval_passed=self.sighting.interval_passed,
            own_idle=self._journal.own_idle,
            output_changed=self.sighting.output_changed,
            found_by_looking=self.sighting.by_looking,
        )
