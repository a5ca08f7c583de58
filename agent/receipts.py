"""What becomes of messages: counted as they arrive, remembered for the inspector, and acknowledged when they are accounted for."""

from __future__ import annotations

import logging

from agent.heart import Heart
from agent.mailbox import Arrivals, Mailbox
from murmur import keys
from murmur.errors import NotFound, Unavailable

_log = logging.getLogger(__name__)


class Receipts:
    """Keeps one agent's books between its mailbox and its state document."""

    def __init__(self, heart: Heart, mailbox: Mailbox) -> None:
        self._heart = heart
        self._mailbox = mailbox

    def arrived(self, arrivals: Arrivals) -> None:
        """Count what came, once; what is known for no news is accounted for by that."""
        kinds = [delivery.became for delivery in arrivals.deliveries]
        self._heart.count(
            wakes=any(not _is_control(held.change.key) for held in arrivals.fresh),
            duplicates=kinds.count("duplicate"),
            out_of_order=kinds.count("out-of-order"),
            unreadable=len(arrivals.stale) - len(kinds),
        )
        self._heart.delivered(*arrivals.deliveries)

    def gated(self) -> None:
        """What is held needed no turn."""
        self._heart.count(gated=any(not _is_control(held.change.key) for held in self._mailbox.held))

    async def settle(self, became: str, iteration: int | None = None) -> None:
        """Acknowledge what is held, and remember what became of it."""
        for held in self._mailbox.held:
            kind = "control" if became == "gated" and _is_control(held.change.key) else became
            self._heart.delivered(self._mailbox.delivery(held, kind, iteration))
        try:
            await self._mailbox.acknowledge()
        except (NotFound, Unavailable) as error:
            _log.warning("wakes not acknowledged, they will come back and be dropped: %s", error)


def _is_control(key: str) -> bool:
    """Whether a key speaks of the flock rather than of work."""
    return key in (keys.CONTROL, keys.CONFIG)
