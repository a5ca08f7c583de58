"""The scripted brain's own MCP client: HTTP/1.1 as servers really send it, event streams, stdio, and saying what is wrong."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from agent.brains.mcp.client import McpClient
from agent.brains.mcp.errors import ServerUnreachable, ToolRefused
from agent.brains.mcp.http import HttpConnection, parse_url
from agent.brains.mcp.transport import HttpTransport, StdioTransport

Answer = Callable[[dict[str, str], dict[str, object]], bytes]


class RawServer:
    """Answers each POST with the bytes ``answer`` makes of its headers and JSON; empty bytes close the connection."""

    def __init__(self, answer: Answer, piece: int, *, once: bool) -> None:
        self.answer = answer
        self.piece = piece
        self.once = once
        self.requests: list[tuple[str, dict[str, str], dict[str, object]]] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/mcp"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            # The client may leave while the rest of an answer is still being sent.
            with connection, suppress(ConnectionError):
                connection.settimeout(60)
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while request := stream.readline().decode().split():
                headers: dict[str, str] = {}
                while line := stream.readline().decode().strip():
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                body = json.loads(stream.read(int(headers["content-length"])) or "{}")
                self.requests.append((request[0], headers, body))
                answer = self.answer(headers, body)
                for at in range(0, len(answer), self.piece):
                    connection.sendall(answer[at : at + self.piece])
                if not answer or self.once:
                    return


@contextmanager
def serving(answer: Answer, piece: int = 1 << 16, *, once: bool = False) -> Iterator[RawServer]:
    """A server on a free port. ``piece``: how many bytes it sends at a time; ``once``: it closes after each answer."""
    server = RawServer(answer, piece, once=once)
    try:
        yield server
    finally:
        server.close()


def result_of(message: dict[str, object]) -> dict[str, object]:
    """What a plain MCP server answers."""
    method = message.get("method")
    if method == "initialize":
        return {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
    if method == "tools/list":
        params = message["params"]
        assert isinstance(params, dict)
        if not params.get("cursor"):
            return {"tools": [{"name": "fs_read"}], "nextCursor": "2"}
        return {"tools": [{"name": "fs_list"}]}
    params = message["params"]
    assert isinstance(params, dict)
    failed = params["arguments"].get("path") == "missing"
    return {
        "content": [{"type": "text", "text": "größe"}, {"type": "image"}, {"type": "text", "text": "b"}],
        "isError": failed,
    }


def as_json(message: dict[str, object], result: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}, ensure_ascii=False).encode()


def with_length(body: bytes, *more: str) -> bytes:
    head = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks = b"".join(
        b"%x;note=1\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7)
    )
    return head + chunks + b"0\r\nTrailer: x\r\n\r\n"


def plain(_: dict[str, str], message: dict[str, object]) -> bytes:
    if "id" not in message:
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    return with_length(as_json(message, result_of(message)))


def in_chunks(_: dict[str, str], message: dict[str, object]) -> bytes:
    if "id" not in message:
        return b"HTTP/1.1 204 No Content\r\n\r\n"
    return b"HTTP/1.1 100 Continue\r\n\r\n" + chunked(as_json(message, result_of(message)))


def as_events(_: dict[str, str], message: dict[str, object]) -> bytes:
    if "id" not in message:
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    other = b'event: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\r\n\r\n'
    body = as_json(message, result_of(message))
    mine = b": ping\r\nid: 7\r\ndata:" + body[:1] + b"\r\ndata: " + body[1:] + b"\r\n\r\n"
    return chunked(other + mine, "text/event-stream; charset=utf-8")


def talk(url: str) -> tuple[McpClient, str]:
    client = McpClient(HttpTransport(url, {"Authorization": "Bearer t"}))
    client.open("test", "1")
    return client, client.call("fs_read", {"path": "x"})


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
@pytest.mark.parametrize("answer", [plain, in_chunks, as_events])
def test_the_answer_is_understood_however_it_is_framed(answer: Answer, piece: int) -> None:
    with serving(answer, piece) as server:
        client, text = talk(server.url)
        assert client.tools == ("fs_read", "fs_list")
        assert text == "größe\nb"
        with pytest.raises(ToolRefused, match="größe"):
            client.call("fs_read", {"path": "missing"})
        client.close()
        client.close()
    assert [m.get("method") for _, _, m in server.requests] == [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/list",
        "tools/call",
        "tools/call",
    ]
    assert "mcp-protocol-version" not in server.requests[0][1]
    for _, headers, _ in server.requests:
        assert headers["authorization"] == "Bearer t"
        assert headers["accept"] == "application/json, text/event-stream"
    assert {headers["mcp-protocol-version"] for _, headers, _ in server.requests[1:]} == {"2025-06-18"}


@pytest.mark.parametrize("answer", [plain, in_chunks])
def test_one_connection_serves_the_whole_turn(answer: Answer) -> None:
    with serving(answer) as server:
        talk(server.url)[0].close()
    assert server.connections == 1


def test_a_connection_the_server_closes_is_opened_anew_and_nothing_is_sent_twice() -> None:
    def closing(_: dict[str, str], message: dict[str, object]) -> bytes:
        if "id" not in message:
            return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        return with_length(as_json(message, result_of(message)), "Connection: close")

    with serving(closing) as server:
        talk(server.url)[0].close()
    assert server.connections == len(server.requests) == 5


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    with serving(lambda _, __: b"HTTP/1.1 200 OK\r\n\r\n{}", piece=3, once=True) as server:
        head, pieces = HttpConnection(server.url).request("POST", {}, b"{}")
        assert (head.status, b"".join(pieces)) == (200, b"{}")


def test_a_call_under_way_ends_when_another_thread_aborts_it() -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def slow(_: dict[str, str], __: dict[str, object]) -> bytes:
        asked.set()
        may_answer.wait(30)
        return b""

    with serving(slow) as server:
        client = McpClient(HttpTransport(server.url, {}))
        aborter = threading.Thread(target=lambda: (asked.wait(30), client.abort()))
        aborter.start()
        with pytest.raises(ServerUnreachable, match=r"closed|cut off"):
            client.open("test", "1")
        assert not may_answer.is_set()
        may_answer.set()
        aborter.join(10)


def test_a_session_the_server_opens_is_kept_and_ended() -> None:
    def sessions(headers: dict[str, str], message: dict[str, object]) -> bytes:
        if message.get("method") == "initialize":
            return with_length(as_json(message, result_of(message)), "Mcp-Session-Id: s-1")
        return plain(headers, message)

    with serving(sessions) as server:
        talk(server.url)[0].close()
    assert {headers.get("mcp-session-id") for _, headers, _ in server.requests[1:]} == {"s-1"}
    assert server.requests[-1][0] == "DELETE"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 11\r\n\r\nwrong token", "401 to initialize: wrong token"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "broke off|does not answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no size"),
        (with_length(b"not json"), "no answer to initialize"),
        (with_length(b'{"id": 1, "error": {"code": -1, "message": "too old"}}'), "refused initialize: too old"),
        (with_length(b'{"id": 1, "result": {"protocolVersion": "1999-01-01"}}'), "1999-01-01"),
        (with_length(b'{"id": 1, "result": 5}'), "holds no result"),
        (b"", "does not answer"),
    ],
)
def test_what_is_wrong_with_a_server_is_said(answer: bytes, words: str) -> None:
    with serving(lambda _, __: answer, once=True) as server:
        client = McpClient(HttpTransport(server.url, {}))
        with pytest.raises(ServerUnreachable, match=words):
            client.open("test", "1")
        client.close()


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerUnreachable, match=f"127.0.0.1:{port} does not answer"):
        talk(f"http://127.0.0.1:{port}/mcp")


def test_addresses_and_headers_that_cannot_be_are_refused() -> None:
    assert parse_url("http://[::1]:80/mcp?x=1") == (False, "::1", 80, "/mcp?x=1", "[::1]:80")
    assert parse_url("https://example.org").port == 443
    for bad in ("ftp://x/", "http://", "http://a b/", "http://x:y/"):
        with pytest.raises(ServerUnreachable, match="no http or https URL"):
            parse_url(bad)
    with pytest.raises(ServerUnreachable, match="cannot be sent"):
        HttpConnection("http://127.0.0.1:9/").request("POST", {"X": "a\r\nY: b"}, b"")


SERVER = """
import json, os, sys
for line in sys.stdin:
    message = json.loads(line)
    print("a line that is no message", flush=True)
    if "id" not in message: continue
    result = {"protocolVersion": "2025-11-25", "tools": [{"name": os.environ["TOOL"]}], "content": [{"type": "text", "text": "hi"}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def test_a_stdio_server_is_started_spoken_to_and_ended() -> None:
    transport = StdioTransport(sys.executable, ["-c", SERVER], {"TOOL": "fs_read"})
    client = McpClient(transport)
    client.open("test", "1")
    assert client.tools == ("fs_read",)
    assert client.call("fs_read", {}) == "hi"
    client.close()
    client.close()
    assert transport._process.returncode == 0


def test_a_stdio_server_that_dies_or_cannot_start_is_an_error() -> None:
    client = McpClient(StdioTransport(sys.executable, ["-c", "pass"], {}))
    with pytest.raises(ServerUnreachable, match=r"ended before|takes no more"):
        client.open("test", "1")
    client.close()
    with pytest.raises(ServerUnreachable, match="cannot be started"):
        StdioTransport("/nonexistent/server", [], {})
