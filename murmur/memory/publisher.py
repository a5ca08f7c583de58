"""Dashboards in memory: every connection is a list of the messages it was sent; and the tickets that open one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from murmur.errors import Unavailable
from murmur.ports import Clock

FRAME_BYTES: Final = 32 * 1024
"""What API Gateway lets through in one frame."""

_OUTSTANDING: Final = 10_000


class MemoryPublisher:
    """A Publisher. ``open`` a connection, read ``received``; ``close`` one and sends to it fail as they do on AWS."""

    def __init__(self) -> None:
        self.received: dict[str, list[str]] = {}

    def open(self, connection: str) -> list[str]:
        """Add a connection; returns the list its messages go to."""
        return self.received.setdefault(connection, [])

    def close(self, connection: str) -> None:
        """Drop a connection, without a word to the sender."""
        self.received.pop(connection, None)

    async def connections(self) -> list[str]:
        """See ``Publisher.connections``."""
        return list(self.received)

    async def send(self, connection: str, message: str) -> bool:
        """See ``Publisher.send``. A message over the frame limit is a mistake of the sender, as it would be on AWS."""
        if len(message.encode()) > FRAME_BYTES:
            raise ValueError(f"a message of {len(message.encode())} bytes does not fit a frame")
        inbox = self.received.get(connection)
        if inbox is None:
            return False
        inbox.append(message)
        return True


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
