"""An agent's state document: what it does now, what it has seen, what it counted. Written when that changes, and once a minute."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from agent.vitals import SILENT, Vitals
from murmur import keys
from murmur.entry import LogEntry, timestamp
from murmur.errors import Fenced, ObjectChanged, ObjectMissing, Unavailable
from murmur.ports import Clock, Store
from murmur.state import Activity, AgentState, Delivery

HEARTBEAT_SECONDS: Final = 60.0
KEPT_DELIVERIES: Final = 20
_ATTEMPTS: Final = 4
_UNCLEAR_KEPT: Final = 16
_log = logging.getLogger(__name__)


class Heart:
    """Holds the agent's state and puts it. One writer: a second process with the same index is told by its first put."""

    def __init__(self, store: Store, clock: Clock, first: AgentState, vitals: Vitals = SILENT) -> None:
        self._store = store
        self._clock = clock
        self._etag = ""
        self._put_at = float("-inf")
        self._putting = asyncio.Lock()
        self._vitals = vitals
        self._unclear: list[bytes] = []
        """Bodies sent since the last answer: one of them may be what is stored."""
        self.state = first
        self.shown: Activity = first.activity
        """The activity that the stored document shows."""

    async def open(self) -> AgentState | None:
        """Take over the document; returns what it said if it is of this run. Raises Fenced by a later run."""
        try:
            found = await self._store.get(keys.state(self.state.agent))
        except ObjectMissing:
            return None
        self._etag = found.etag
        before = AgentState.from_json(found.body)
        if before is None or self._older(before):
            return None
        if before.run != self.state.run:
            raise Fenced(self.state.agent)
        self.state = self.state.model_copy(
            update={"counters": before.counters, "deliveries": before.deliveries, "seen": before.seen}
        )
        return before

    @property
    def behind(self) -> bool:
        """Whether the last put did not reach the store."""
        return self._put_at == float("-inf")

    def note(self, **changes: Any) -> None:
        """Change the state in memory; the next beat or ``put`` carries it."""
        self.state = self.state.model_copy(update=changes)

    def count(self, **more: float) -> None:
        """Add to counters by name."""
        if any(more.values()):
            self.note(counters=self.state.counters.plus(**more))
            self._vitals.counted(more)

    def delivered(self, *deliveries: Delivery) -> None:
        """Remember what became of messages."""
        self.note(deliveries=(*self.state.deliveries, *deliveries)[-KEPT_DELIVERIES:])

    def turned(self, entry: LogEntry) -> None:
        """Count a turn that ended with this entry. That it was begun has been counted before."""
        usage = entry.usage
        self._vitals.turned(self.state.agent, entry)
        self.count(
            failed_turns=entry.failed,
            tokens=usage.input_tokens + usage.output_tokens if usage else 0,
            cost=usage.cost if usage else 0.0,
        )

    async def farewell(self, why: str) -> None:
        """Say that the agent has ended. To one that was replaced nobody listens."""
        self.note(activity="stopped", turn=None, until="", detail=why)
        try:
            await self.put()
        except Fenced as error:
            _log.warning("agent-%d: %s", self.state.agent, error)

    async def beat(self) -> None:
        """Put the document if the last put is a minute old."""
        if self._clock.monotonic() - self._put_at >= HEARTBEAT_SECONDS:
            await self.put()

    async def put(self) -> bool:
        """Put the document now; False if the store did not answer (logged, and made up for by the next beat). Raises Fenced."""
        async with self._putting:  # the round and the upkeep must not race each other
            self.note(alive=timestamp(self._clock.now()))
            body, activity = self.state.to_json(), self.state.activity
            try:
                self._etag = await self._write(body)
            except Unavailable as error:
                _log.warning("agent-%d: heartbeat not written: %s", self.state.agent, error)
                self._put_at = float("-inf")
                return False
            self._unclear.clear()
            self._put_at = self._clock.monotonic()
            self.shown = activity
            return True

    async def _write(self, body: bytes) -> str:
        """Write conditionally. A put that lost against nobody, or against one of ours whose answer never came, is repeated."""
        for _ in range(_ATTEMPTS):
            self._unclear = [*self._unclear, body][-_UNCLEAR_KEPT:]
            try:
                return await self._write_once(body)
            except ObjectChanged:
                self._unclear.pop()
                self._etag = await self._mine()
        raise Unavailable(f"{keys.state(self.state.agent)!r} is busy.", "The next beat tries again.")

    async def _write_once(self, body: bytes) -> str:
        key = keys.state(self.state.agent)
        if self._etag:
            return await self._store.replace(key, body, self._etag, content_type="application/json")
        return await self._store.create(key, body, content_type="application/json")

    async def _mine(self) -> str:
        """The stored document's ETag if it is still this process's own, or a left-over of an earlier run. Raises Fenced, Unavailable."""
        try:
            found = await self._store.get(keys.state(self.state.agent))
        except ObjectMissing:
            if self._etag:
                raise Fenced(self.state.agent) from None  # the run is over, and its documents are cleared away
            return ""
        if found.etag != self._etag and found.body not in self._unclear:
            there = AgentState.from_json(found.body)
            if there is None or not self._older(there):
                raise Fenced(self.state.agent)
        return found.etag

    def _older(self, there: AgentState) -> bool:
        """Whether a process of an earlier run wrote this, late. Names of runs rise."""
        return there.run < self.state.run

    async def version(self) -> str:
        """ETag of the stored document, whoever wrote it; "" if it is not there. Raises Unavailable."""
        try:
            return (await self._store.head(keys.state(self.state.agent))).etag
        except ObjectMissing:
            return ""
