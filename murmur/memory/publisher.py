"""Dashboards in memory: every connection is a list of the messages it was sent."""

from __future__ import annotations

from typing import Final

FRAME_BYTES: Final = 32 * 1024
"""What API Gateway lets through in one frame."""


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
