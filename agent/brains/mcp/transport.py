"""Two ways to an MCP server: streamable HTTP, and the standard streams of a process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.brains.mcp.errors import ServerUnreachable
from agent.brains.mcp.http import Head, HttpConnection

if TYPE_CHECKING:
    from subprocess import Popen

Message = dict[str, Any]
_SHOWN: Final = 200
_EXIT_SECONDS: Final = 2.0


class Transport(Protocol):
    """Carries JSON-RPC messages, one request at a time. ``abort`` may come from another thread."""

    def request(self, message: Message) -> Message:
        """Send a request and wait for its answer. Raises ServerUnreachable."""
        ...

    def notify(self, message: Message) -> None:
        """Send a message that has no answer. Raises ServerUnreachable."""
        ...

    def agree(self, version: str) -> None:
        """Take note of the protocol version both sides speak from now on."""
        ...

    def close(self) -> None:
        """Say goodbye and let go. Idempotent."""
        ...

    def abort(self) -> None:
        """Let go at once; a request under way fails."""
        ...


class HttpTransport:
    """Streamable HTTP: a POST a message; the answer is JSON, or a stream of events that holds it."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._connection = HttpConnection(url)
        self._given = dict(headers)
        self._session: dict[str, str] = {}

    def request(self, message: Message) -> Message:
        """See ``Transport``."""
        head, pieces = self._post(message)
        answers = _events(pieces) if head.headers.get("content-type", "").startswith("text/event-stream") else None
        for answer in answers or [b"".join(pieces)]:
            value = _object(answer)
            if value is not None and value.get("id") == message["id"] and "method" not in value:
                return value
        raise ServerUnreachable(f"The MCP server gave no answer to {message['method']}.")

    def notify(self, message: Message) -> None:
        """See ``Transport``."""
        for _ in self._post(message)[1]:
            pass

    def agree(self, version: str) -> None:
        """See ``Transport``."""
        self._session["MCP-Protocol-Version"] = version

    def close(self) -> None:
        """See ``Transport``. A server that keeps sessions is told that this one is over."""
        if "Mcp-Session-Id" in self._session:
            with suppress(ServerUnreachable):  # If it is gone, so is the session.
                self._connection.request("DELETE", {**self._given, **self._session}, b"")
            self._session = {}
        self._connection.close()

    def abort(self) -> None:
        """See ``Transport``."""
        self._connection.abort()

    def _post(self, message: Message) -> tuple[Head, Iterator[bytes]]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **self._given,
            **self._session,
        }
        head, pieces = self._connection.request("POST", headers, json.dumps(message).encode())
        if not 200 <= head.status < 300:
            words = b"".join(pieces).decode("utf-8", "replace").strip()[:_SHOWN]
            raise ServerUnreachable(f"The MCP server answered {head.status} to {message['method']}: {words}")
        if "mcp-session-id" in head.headers:
            self._session["Mcp-Session-Id"] = head.headers["mcp-session-id"]
        return head, pieces


class StdioTransport:
    """A process that speaks JSON-RPC on its standard streams, a message a line."""

    def __init__(self, command: str, args: list[str], env: Mapping[str, str]) -> None:
        import os  # noqa: PLC0415
        import subprocess  # noqa: PLC0415  # most agents reach their tools by HTTP and never need it

        try:
            self._process: Popen[bytes] = subprocess.Popen(  # noqa: S603  # the client names its own server; no shell reads it
                [command, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **env}
            )
        except OSError as error:
            raise ServerUnreachable(f"The MCP server {command!r} cannot be started: {error}.") from error

    def request(self, message: Message) -> Message:
        """See ``Transport``."""
        self.notify(message)
        stdout = self._process.stdout
        while stdout is not None and (line := stdout.readline()):
            value = _object(line)
            if value is not None and value.get("id") == message["id"] and "method" not in value:
                return value
        raise ServerUnreachable(f"The MCP server ended before it answered {message['method']}.")

    def notify(self, message: Message) -> None:
        """See ``Transport``."""
        stdin = self._process.stdin
        try:
            if stdin is None or stdin.closed:
                raise BrokenPipeError("its input is closed")
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except OSError as error:
            raise ServerUnreachable(f"The MCP server takes no more messages: {error}.") from error

    def agree(self, version: str) -> None:
        """See ``Transport``: nothing to send along here."""

    def close(self) -> None:
        """See ``Transport``: closing its input asks the process to end; it is killed if it does not."""
        kill = threading.Timer(_EXIT_SECONDS, self._process.kill)
        kill.start()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # It may have ended already, with a message of ours unread.
                if stream is not None:
                    stream.close()
        self._process.wait()
        kill.cancel()

    def abort(self) -> None:
        """See ``Transport``."""
        self._process.kill()


def _object(text: bytes) -> Message | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _events(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The data of each event of a text/event-stream."""
    rest = b""
    data: list[bytes] = []
    for piece in pieces:
        *lines, rest = (rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data = []
    if data:
        yield b"\n".join(data)
