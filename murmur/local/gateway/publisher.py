"""The Publisher of one machine: a bounded queue and a sender for every open socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

SEND_SECONDS: Final = 10.0
"""A frame that takes longer to send ends its connection."""
WAITING_BYTES: Final = 8 * 1024 * 1024
"""Bytes that may wait for one slow connection."""
_log = logging.getLogger(__name__)


class _Line:
    """What waits to be sent to one connection."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[str] = asyncio.Queue()
        self.waiting = 0
        self.broken = asyncio.Event()


class LocalPublisher:
    """Sends to sockets of this process. A connection that does not keep up is dropped; its client resumes."""

    def __init__(self, *, send_seconds: float = SEND_SECONDS, waiting_bytes: int = WAITING_BYTES) -> None:
        self._lines: dict[str, _Line] = {}
        self._send_seconds = send_seconds
        self._waiting_bytes = waiting_bytes

    async def connections(self) -> list[str]:
        """See ``Publisher.connections``."""
        return list(self._lines)

    async def send(self, connection: str, message: str) -> bool:
        """See ``Publisher.send``. Never waits for the other end."""
        line = self._lines.get(connection)
        if line is None or line.broken.is_set():
            return False
        if line.waiting + len(message) > self._waiting_bytes:
            _log.info("a dashboard does not keep up; its connection is dropped")
            line.broken.set()
            return False
        line.waiting += len(message)
        line.frames.put_nowait(message)
        return True

    @asynccontextmanager
    async def attached(self, connection: str, send: Callable[[str], Awaitable[None]]) -> AsyncIterator[asyncio.Event]:
        """Carry messages to ``send`` while the block runs. Yields an event that is set when the connection is to be dropped."""
        line = _Line()
        self._lines[connection] = line
        sender = asyncio.create_task(self._carry(line, send), name=f"dashboard {connection}")
        try:
            yield line.broken
        finally:
            self._lines.pop(connection, None)
            sender.cancel()
            with suppress(asyncio.CancelledError):
                await sender

    async def _carry(self, line: _Line, send: Callable[[str], Awaitable[None]]) -> None:
        try:
            while True:
                frame = await line.frames.get()
                async with asyncio.timeout(self._send_seconds):  # wait_for can swallow a cancellation before 3.12
                    await send(frame)
                line.waiting -= len(frame)
        except Exception as error:  # noqa: BLE001  # whatever a dying socket raises, the connection is over
            _log.debug("a dashboard's connection broke: %r", error)
            line.broken.set()
