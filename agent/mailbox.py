"""An agent's inbox, as the loop uses it: waits, coalesces, drops what is no news, keeps the rest from coming back too early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from murmur import change
from murmur.change import Change
from murmur.entry import timestamp
from murmur.errors import InvalidInput
from murmur.ports import Clock, Inbox, Message
from murmur.state import Delivery

POLL_SECONDS: Final = 20.0
HOLD_SECONDS: Final = 60
"""Visibility timeout that is kept up while messages are held: a crashed agent's wake comes back this late at most."""
_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class Held:
    """A message not yet acknowledged, and what it tells."""

    message: Message
    change: Change


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What one round of listening brought: fresh changes, and messages already known for none (to be acknowledged at once)."""

    fresh: tuple[Held, ...]
    stale: tuple[Message, ...]
    deliveries: tuple[Delivery, ...]
    """What became of the stale ones, for the inspector."""

    def __bool__(self) -> bool:
        return bool(self.fresh or self.stale)


class Mailbox:
    """Wraps the inbox of one agent. ``wanted`` says whether a key is within what this agent reads just now."""

    def __init__(self, inbox: Inbox, clock: Clock, wanted: Callable[[str], bool]) -> None:
        self._inbox = inbox
        self._clock = clock
        self._wanted = wanted
        self._newest: dict[str, str] = {}
        self.held: list[Held] = []
        """Fresh messages whose turn has not been appended yet."""

    async def listen(self, wait_seconds: float, coalesce_seconds: float) -> Arrivals:
        """Wait for a message; after the first, wait a little for its companions, then take all there are."""
        messages = await self._inbox.receive(min(POLL_SECONDS, max(0.0, wait_seconds)))
        if messages:
            if coalesce_seconds > 0:
                await self._clock.sleep(coalesce_seconds)
                messages += await self._drain()
            elif len(messages) == _BATCH:
                messages += await self._drain()
        return self._sort(messages)

    async def _drain(self) -> list[Message]:
        taken: list[Message] = []
        while page := await self._inbox.receive(0.0):
            taken += page
            if len(page) < _BATCH:
                break
        return taken

    def _sort(self, messages: list[Message]) -> Arrivals:
        fresh: list[Held] = []
        stale: list[Message] = []
        deliveries: list[Delivery] = []
        for message in messages:
            try:
                held = Held(message, change.parse_change(message.body))
            except InvalidInput:
                stale.append(message)
                continue
            known = self._newest.get(held.change.key)
            if held.change.key and not self._wanted(held.change.key):
                became = "foreign"
            elif known is not None and not held.change.newer_than(known) and message.receives == 1:
                became = "duplicate" if change.order(known) == change.order(held.change.sequencer) else "out-of-order"
            else:
                self._newest[held.change.key] = held.change.sequencer
                fresh.append(held)
                continue
            stale.append(message)
            deliveries.append(self.delivery(held, became))
        self.held += fresh
        return Arrivals(tuple(fresh), tuple(stale), tuple(deliveries))

    def delivery(self, held: Held, became: str, iteration: int | None = None) -> Delivery:
        """What became of a message, for the inspector."""
        return Delivery.model_validate(
            {
                "key": held.change.key,
                "version": held.change.sequencer,
                "sent": timestamp(held.message.sent),
                "received": timestamp(self._clock.now()),
                "receives": held.message.receives,
                "became": became,
                "iteration": iteration,
            }
        )

    def came_back(self, born: datetime) -> bool:
        """Whether a message is held that somebody received before this process was ``born``, and never acknowledged."""
        return any(held.message.receives > 1 and held.message.sent < born for held in self.held)

    def event_id(self) -> str:
        """Id of the first event that is held, by which a turn can be traced to it; "" if none is."""
        return next((held.change.event_id for held in self.held), "")

    async def acknowledge(self) -> None:
        """Delete all held messages: what they told is in the log, or needed no line."""
        done, self.held = self.held, []
        await self.discard(tuple(held.message for held in done))

    async def discard(self, messages: tuple[Message, ...]) -> None:
        """Delete messages; none is no request."""
        if messages:
            await self._inbox.delete(messages)

    async def keep(self) -> None:
        """Extend the held messages' invisibility; to be called well within HOLD_SECONDS."""
        if self.held:
            await self._inbox.extend([held.message for held in self.held], HOLD_SECONDS)
