"""A queue in memory: at-least-once, with visibility timeouts and receive counts, as SQS keeps them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from murmur.errors import NotFound
from murmur.ports import Clock, Depth, Message

VISIBILITY_SECONDS: Final = 60.0
MAX_RECEIVES: Final = 20
"""A message received this often and not deleted becomes a dead letter when it would be received once more."""
_BATCH: Final = 10


@dataclass(slots=True)
class _Held:
    body: str
    sent: datetime
    sent_at: float
    visible_at: float
    receives: int = 0
    receipt: str = ""


class MemoryInbox:
    """One reader's queue. ``push`` is what the fabric calls."""

    def __init__(self, clock: Clock, visibility_seconds: float = VISIBILITY_SECONDS) -> None:
        self.requests: Counter[str] = Counter()
        """Requests so far, by the name of SQS's action; deletes and extensions go in batches of ten."""
        self._clock = clock
        self._visibility = visibility_seconds
        self._messages: list[_Held] = []
        self._dead: list[_Held] = []
        self._receipts = 0
        self._arrived = asyncio.Event()
        self.exists = True

    def push(self, body: str) -> None:
        """Add a message."""
        self.requests["SendMessage"] += 1
        now = self._clock.monotonic()
        self._messages.append(_Held(body, self._clock.now(), now, now))
        self._arrived.set()

    def contents(self) -> list[tuple[str, str]]:
        """Body and newest receipt ("" before the first) of every message that is not deleted, oldest first."""
        return [(held.body, held.receipt) for held in self._messages]

    def remove(self) -> None:
        """Delete the queue: waiting receivers are told."""
        self.exists = False
        self._messages.clear()
        self._arrived.set()

    async def receive(self, wait_seconds: float, limit: int = 10) -> list[Message]:
        """See ``Inbox.receive``."""
        self.requests["ReceiveMessage"] += 1
        deadline = self._clock.monotonic() + wait_seconds
        while True:
            if not self.exists:
                raise NotFound("The queue is gone.", "The run is over; this agent stops.")
            now = self._clock.monotonic()
            self._bury(now)
            visible = [held for held in self._messages if held.visible_at <= now]
            taken = [self._take(held, now) for held in visible[:limit]]
            if taken or now >= deadline:
                return taken
            next_visible = min((held.visible_at for held in self._messages), default=deadline)
            await self._news(min(deadline, next_visible) - now)

    async def _news(self, seconds: float) -> None:
        """Wait for something to look at, so long at most. With a timer of its own, because a simulation does little else than wait here."""
        self._arrived.clear()
        late = asyncio.get_running_loop().call_later(seconds, self._arrived.set)
        try:
            await self._arrived.wait()
        finally:
            late.cancel()

    def _bury(self, now: float) -> None:
        """Move what was received too often to the dead letters."""
        if any(held.receives >= MAX_RECEIVES for held in self._messages):
            before, self._messages = self._messages, []
            for held in before:
                spent = held.receives >= MAX_RECEIVES and held.visible_at <= now
                (self._dead if spent else self._messages).append(held)

    def _take(self, held: _Held, now: float) -> Message:
        self._receipts += 1
        held.receipt = f"r{self._receipts}"
        held.receives += 1
        held.visible_at = now + self._visibility
        return Message(held.body, held.receipt, held.receives, held.sent)

    async def delete(self, messages: Sequence[Message]) -> None:
        """See ``Inbox.delete``."""
        self.requests["DeleteMessageBatch"] += -(-len(messages) // _BATCH)
        receipts = {message.receipt for message in messages}
        self._messages = [held for held in self._messages if held.receipt not in receipts]

    async def extend(self, messages: Sequence[Message], seconds: int) -> None:
        """See ``Inbox.extend``."""
        self.requests["ChangeMessageVisibilityBatch"] += -(-len(messages) // _BATCH)
        receipts = {message.receipt for message in messages}
        for held in self._messages:
            if held.receipt in receipts:
                held.visible_at = self._clock.monotonic() + seconds
        self._arrived.set()

    async def depth(self) -> Depth:
        """See ``Inbox.depth``."""
        self.requests["GetQueueAttributes"] += 1
        if not self.exists:
            raise NotFound("The queue is gone.", "The run is over.")
        now = self._clock.monotonic()
        visible = sum(held.visible_at <= now for held in self._messages)
        oldest = max((now - held.sent_at for held in self._messages), default=None)
        return Depth(visible, len(self._messages) - visible, len(self._dead), oldest_seconds=oldest)

    async def redrive(self) -> int:
        """See ``Inbox.redrive``."""
        self.requests["ReceiveMessage"] += 1
        if not self.exists:
            raise NotFound("The queue is gone.", "The run is over.")
        back, self._dead = self._dead, []
        for held in back:
            self.push(held.body)
        return len(back)

    async def purge(self) -> None:
        """See ``Inbox.purge``."""
        self.requests["PurgeQueue"] += 1
        if not self.exists:
            raise NotFound("The queue is gone.", "The run is over.")
        self._messages.clear()
