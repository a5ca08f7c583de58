"""WebSocket tickets in memory: good once, for one address, for a short while."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from murmur.errors import Unavailable
from murmur.ports import Clock

_OUTSTANDING: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Issued:
    address: str
    ends: float


class MemoryTicketBook:
    """A TicketBook for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, _Issued] = {}

    async def issue(self, address: str, seconds: int) -> str:
        """See ``TicketBook.issue``."""
        now = self._clock.monotonic()
        self._issued = {ticket: issued for ticket, issued in self._issued.items() if issued.ends > now}
        if len(self._issued) >= _OUTSTANDING:
            raise Unavailable("Too many tickets are outstanding.", f"Try again in {seconds} seconds.")
        ticket = secrets.token_urlsafe(24)
        self._issued[ticket] = _Issued(address, now + seconds)
        return ticket

    async def redeem(self, ticket: str, address: str) -> bool:
        """See ``TicketBook.redeem``."""
        issued = self._issued.pop(ticket, None)
        return issued is not None and issued.address == address and issued.ends > self._clock.monotonic()
