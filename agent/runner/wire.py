"""JSON lines to and from an agent process, as a Transport of the ACP SDK that survives what agents really print.

A line that is no JSON is skipped and remembered (many agents print a banner). JSON that is no object, an endless line, a flood of
requests or of garbage breaks the wire: it then reads as closed, and ``broken`` says why.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from agent.runner.process import CHUNK_BYTES
from murmur.entry import one_line

_GARBAGE_LINES: Final = 1000
_UNANSWERED: Final = 256


class Wire:
    """One process's stdin and stdout. Implements ``acp._transport.Transport``: send, receive, close."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, write_seconds: float, line_bytes: int
    ) -> None:
        self.broken = ""
        """Why nothing more can be read or written; empty while all is well."""
        self.ended = False
        """Whether the agent closed its output."""
        self.garbage = ""
        """The last line that was no message; empty if there was none."""
        self.last_heard = asyncio.get_running_loop().time()
        """When the last message arrived, on the loop's clock."""
        self._writer = writer
        self._write_seconds = write_seconds
        self._lines = _lines(reader, line_bytes)
        self._writing = asyncio.Lock()
        self._unanswered = 0
        self._skipped = 0
        # So that ``drain`` means "the agent has taken it", not "it fits the buffer".
        writer.transport.set_write_buffer_limits(high=0)

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message. Raises ConnectionError if the agent does not take it in time."""
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            async with asyncio.timeout(self._write_seconds), self._writing:
                if self._writer.is_closing():
                    raise ConnectionError("closed")
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError:
            self._break("it does not read its input")
            raise ConnectionError(self.broken) from None
        except OSError:
            self._break("it closed its input")
            raise ConnectionError(self.broken) from None
        if "method" not in message:
            self._unanswered -= 1

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None when there will be no more."""
        while not self.broken:
            try:
                line = await anext(self._lines, None)
            except ValueError as error:
                self._break(str(error))
                return None
            if line is None:
                self.ended = True
                return None
            message = self._parse(line)
            if message is not None:
                self.last_heard = asyncio.get_running_loop().time()
                return message
        return None

    async def close(self) -> None:
        """Nothing more is sent. The pipes belong to the process."""
        self._break("the connection was closed")

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._skip(line)
            return None
        if not isinstance(message, dict):
            self._break(f"it printed JSON that is no message: {_shown(line)}")
            return None
        if not isinstance(message.get("method", ""), str) or not isinstance(message.get("id"), (int, str, type(None))):
            self._skip(line)
            return None
        if "method" in message and "id" in message:
            self._unanswered += 1
            if self._unanswered > _UNANSWERED:
                self._break("it sends requests without waiting for answers")
                return None
        if "error" in message and not isinstance(message["error"], dict):
            message["error"] = {"code": -32603, "message": one_line(message["error"])}
        return message

    def _skip(self, line: bytes) -> None:
        self.garbage = _shown(line)
        self._skipped += 1
        if self._skipped > _GARBAGE_LINES:
            self._break(f"it prints no ACP messages but, for example: {self.garbage}")

    def _break(self, why: str) -> None:
        self.broken = self.broken or why


async def _lines(reader: asyncio.StreamReader, limit: int) -> AsyncIterator[bytes]:
    """Lines that are not blank, the last one also without a line break. Raises ValueError for one over ``limit`` bytes."""
    rest = bytearray()
    while chunk := await reader.read(CHUNK_BYTES):
        searched = len(rest)
        rest += chunk
        while (end := rest.find(b"\n", searched)) >= 0:
            line = bytes(rest[:end])
            del rest[: end + 1]
            searched = 0
            if line.strip():
                yield line
        if len(rest) > limit:
            raise ValueError(f"it printed a line of more than {limit} bytes")
    if rest.strip():
        yield bytes(rest)


def _shown(line: bytes) -> str:
    return one_line(line[:400].decode("utf-8", "replace"), 120)
