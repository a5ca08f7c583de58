"""One HTTP/1.1 connection, kept open: POST a body, read the answer. http.client would cost every process 3 MB more."""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from agent.brains.mcp.errors import ServerUnreachable

CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 300.0
"""Between two pieces of an answer: an append that many agents fight for may take its time."""
_URL: Final = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(/[^\s#]*)?")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PIECE: Final = 64 * 1024
_HEAD_LIMIT: Final = 64 * 1024


class Url(NamedTuple):
    """The parts of a URL that matter for a connection."""

    secure: bool
    host: str
    port: int
    path: str
    authority: str


class Head(NamedTuple):
    """Status line and headers of an answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]


def parse_url(url: str) -> Url:
    """Take a URL apart. Raises ServerUnreachable if it is none of http or https."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ServerUnreachable(f"The MCP server's address {url[:120]!r} is no http or https URL.")
    secure = match[1] == "https"
    port = int(match[3] or (443 if secure else 80))
    return Url(secure, match[2].strip("[]"), port, match[4] or "/", match[2] + (f":{match[3]}" if match[3] else ""))


class HttpConnection:
    """Not safe for several threads, but for ``abort``: that ends a call another thread is waiting in."""

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._unread = False
        self._aborted = False

    def request(self, method: str, headers: Mapping[str, str], body: bytes) -> tuple[Head, Iterator[bytes]]:
        """Send one request; returns the head, and the body in pieces. Raises ServerUnreachable.

        A body that is not read to its end costs the connection: the next request opens a new one. Nothing is sent twice.
        """
        message = self._message(method, headers, body)
        try:
            if self._unread:
                self.close()
            self._ready().sendall(message)
            head = self._head()
            while 100 <= head.status < 200:
                head = self._head()
        except OSError as error:
            self.close()
            raise ServerUnreachable(f"The MCP server at {self._url.authority} does not answer: {error}.") from error
        self._unread = True
        return head, self._body(head)

    def close(self) -> None:
        """Close the connection; a later request opens another. Idempotent."""
        held, self._socket = self._socket, None
        self._buffer, self._unread = b"", False
        if held is not None:
            held.close()

    def abort(self) -> None:
        """End the connection for good: a request under way fails, and so does every later one. For other threads."""
        self._aborted = True
        held = self._socket
        if held is not None:
            with suppress(OSError):  # The other side may have been first. Closing is left to the thread that reads.
                held.shutdown(socket.SHUT_RDWR)

    def _message(self, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
        every = {"Host": self._url.authority, **headers, "Content-Length": str(len(body))}
        for name, value in every.items():
            if not _TOKEN.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise ServerUnreachable(f"The header {name[:40]!r} cannot be sent.")
        lines = "".join(f"{name}: {value}\r\n" for name, value in every.items())
        return f"{method} {self._url.path} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body

    def _ready(self) -> socket.socket:
        """The connection; a new one if the server has closed the old one while it lay idle, so that nothing need be sent twice."""
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()
        if self._aborted:
            raise ConnectionAbortedError("the turn was cut off")
        if self._socket is None:
            self._buffer = b""
            connection = socket.create_connection((self._url.host, self._url.port), CONNECT_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(ANSWER_SECONDS)
            if self._url.secure:
                import ssl  # noqa: PLC0415  # 1.5 MB that only a remote server needs

                connection = ssl.create_default_context().wrap_socket(connection, server_hostname=self._url.host)
            self._socket = connection
        return self._socket

    def _more(self) -> None:
        held = self._socket
        piece = held.recv(_PIECE) if held is not None else b""
        if not piece:
            raise ConnectionError("the connection was closed")
        self._buffer += piece

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _HEAD_LIMIT:
                raise ConnectionError("the head of the answer is too long")
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _head(self) -> Head:
        version, _, rest = self._line().decode("latin-1").partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not status.isdecimal():
            raise ConnectionError("the answer is not HTTP/1.1")
        headers: dict[str, str] = {}
        size = 0
        while line := self._line():
            size += len(line)
            if size > _HEAD_LIMIT:
                raise ConnectionError("the head of the answer is too long")
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return Head(int(status), headers)

    def _body(self, head: Head) -> Iterator[bytes]:
        """The pieces of the body; afterwards the connection is fit for another request, or closed."""
        headers = head.headers
        length = headers.get("content-length", "")
        try:
            if head.status in (204, 304):
                pass
            elif "chunked" in headers.get("transfer-encoding", "").lower():
                yield from self._chunks()
            elif length.isdecimal():
                yield from self._exactly(int(length))
            else:
                yield from self._to_the_end()
        except OSError as error:
            self.close()
            raise ServerUnreachable(f"The answer of {self._url.authority} broke off: {error}.") from error
        self._unread = False
        if "close" in headers.get("connection", "").lower():
            self.close()

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = self._line().partition(b";")[0].strip()
            try:
                left = int(size, 16)
            except ValueError:
                raise ConnectionError("a chunk of the answer has no size") from None
            if left == 0:
                while self._line():
                    pass
                return
            yield from self._exactly(left)
            self._line()

    def _exactly(self, left: int) -> Iterator[bytes]:
        while left:
            if not self._buffer:
                self._more()
            piece, self._buffer = self._buffer[:left], self._buffer[left:]
            left -= len(piece)
            yield piece

    def _to_the_end(self) -> Iterator[bytes]:
        held = self._socket
        yield self._buffer
        self._buffer = b""
        while held is not None and (piece := held.recv(_PIECE)):
            yield piece
        self.close()
