"""An agent's state document: what it does now, what it has seen, what it counted. Written when that changes, and once a minute."""

from __future__ import annotations

import logging
from typing import Any, Final

from murmur import keys
from murmur.entry import timestamp
from murmur.errors import Fenced, ObjectChanged, ObjectMissing, Unavailable
from murmur.ports import Clock, Store
from murmur.state import Activity, AgentState, Delivery

HEARTBEAT_SECONDS: Final = 60.0
KEPT_DELIVERIES: Final = 20
_log = logging.getLogger(__name__)


class Heart:
    """Holds the agent's state and puts it. One writer: a second process with the same index is told by its first put."""

    def __init__(self, store: Store, clock: Clock, first: AgentState) -> None:
        self._store = store
        self._clock = clock
        self._etag = ""
        self._put_at = float("-inf")
        self.state = first
        self.shown: Activity = first.activity
        """The activity that the stored document shows."""

    async def open(self) -> AgentState | None:
        """Take over the document; returns what it said if it is of this run."""
        try:
            found = await self._store.get(keys.state(self.state.agent))
        except ObjectMissing:
            return None
        self._etag = found.etag
        before = AgentState.from_json(found.body)
        if before is None or before.run != self.state.run:
            return None
        self.state = self.state.model_copy(
            update={"counters": before.counters, "deliveries": before.deliveries, "seen": before.seen}
        )
        return before

    def note(self, **changes: Any) -> None:
        """Change the state in memory; the next beat or ``put`` carries it."""
        self.state = self.state.model_copy(update=changes)

    def count(self, **more: float) -> None:
        """Add to counters by name."""
        self.note(counters=self.state.counters.plus(**more))

    def delivered(self, *deliveries: Delivery) -> None:
        """Remember what became of messages."""
        self.note(deliveries=(*self.state.deliveries, *deliveries)[-KEPT_DELIVERIES:])

    async def beat(self) -> None:
        """Put the document if the last put is a minute old."""
        if self._clock.monotonic() - self._put_at >= HEARTBEAT_SECONDS:
            await self.put()

    async def put(self) -> None:
        """Put the document now. Raises Fenced. An unreachable store is logged and made up for by the next beat."""
        self.note(alive=timestamp(self._clock.now()))
        key, body = keys.state(self.state.agent), self.state.to_json()
        try:
            if self._etag:
                self._etag = await self._store.replace(key, body, self._etag, content_type="application/json")
            else:
                self._etag = await self._store.create(key, body, content_type="application/json")
        except ObjectChanged:
            raise Fenced(self.state.agent) from None
        except Unavailable as error:
            _log.warning("agent-%d: heartbeat not written: %s", self.state.agent, error)
            self._put_at = float("-inf")
        else:
            self._put_at = self._clock.monotonic()
            self.shown = self.state.activity
