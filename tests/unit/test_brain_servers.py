"""What the brains' own MCP client does with servers that misbehave, and what the scripted brain does when its tools do."""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress

import pytest

from agent.brains.mcp.client import McpClient
from agent.brains.mcp.errors import ServerUnreachable, ToolRefused
from agent.brains.mcp.http import HttpConnection
from agent.brains.mcp.toolbox import StdioServer, Toolbox
from agent.brains.mcp.transport import HttpTransport, StdioTransport
from agent.brains.scripted.facts import TurnFacts
from agent.brains.scripted.neighbours import announced
from agent.brains.scripted.session import drive
from agent.brains.scripted.tools import create, list_files, read_text
from agent.brains.scripted.turn import take_turn
from tests.unit.test_scripted_mcp import SERVER, as_json, plain, result_of, serving, with_length
from tests.unit.test_scripted_work import Shelf, log_line

FACTS = TurnFacts(agent=1, of=4, neighbours=(0, 2), iteration=3)


# ── the wire ──


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 " + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %b\r\n" % (n, b"y" * 1000) for n in range(100)),
    ],
    ids=["a status line", "headers"],
)
def test_a_head_without_end_is_cut_off(answer: bytes) -> None:
    with serving(lambda _, __: answer, once=True) as server:
        connection = HttpConnection(server.url)
        with pytest.raises(ServerUnreachable, match="too long"):
            connection.request("POST", {}, b"{}")
        connection.close()


def test_an_answer_nobody_read_to_its_end_costs_the_connection_and_nothing_else() -> None:
    with serving(lambda _, __: with_length(b"x" * 200_000)) as server:
        connection = HttpConnection(server.url)
        _, first = connection.request("POST", {}, b"{}")
        assert next(first)
        head, second = connection.request("POST", {}, b"{}")
        assert (head.status, len(b"".join(second))) == (200, 200_000)
        assert server.connections == 2
        connection.close()


def test_a_server_that_says_it_will_close_is_not_asked_on_that_connection_again() -> None:
    with serving(lambda _, __: with_length(b"{}", "Connection: close")) as server:
        connection = HttpConnection(server.url)
        for _ in range(2):
            assert b"".join(connection.request("POST", {}, b"{}")[1]) == b"{}"
        assert server.connections == 2
        connection.close()


def test_an_aborted_connection_takes_no_further_request() -> None:
    with serving(plain) as server:
        connection = HttpConnection(server.url)
        connection.abort()
        with pytest.raises(ServerUnreachable, match="cut off"):
            connection.request("POST", {}, b"{}")
        assert server.connections == 0


def test_a_server_that_speaks_no_tls_is_no_secure_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            with listener.accept()[0] as connection, suppress(ConnectionError):  # the client may leave first
                connection.sendall(b"220 welcome\r\n" * 100)
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(ServerUnreachable, match="does not answer"):
            HttpConnection(f"https://127.0.0.1:{listener.getsockname()[1]}/").request("POST", {}, b"{}")
        thread.join(20)


def test_an_event_that_the_end_of_the_stream_cuts_short_still_counts() -> None:
    def answer(_: dict[str, str], message: dict[str, object]) -> bytes:
        if "id" not in message:
            return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        body = b"data: " + as_json(message, result_of(message)) + b"\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    with serving(answer) as server:
        client = McpClient(HttpTransport(server.url, {}))
        client.open("test", "1")
        assert client.tools == ("fs_read", "fs_list")
        client.close()


def test_a_server_whose_list_of_tools_never_ends_is_left_at_some_page() -> None:
    def answer(headers: dict[str, str], message: dict[str, object]) -> bytes:
        if message.get("method") != "tools/list":
            return plain(headers, message)
        return with_length(as_json(message, {"tools": [{"name": "fs_read"}, "x"], "nextCursor": "again"}))

    with serving(answer) as server:
        client = McpClient(HttpTransport(server.url, {}))
        client.open("test", "1")
        assert set(client.tools) == {"fs_read"}
        assert len(server.requests) < 200
        client.close()


def test_a_stdio_server_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.brains.mcp.transport._EXIT_SECONDS", 0.1)
    transport = StdioTransport(sys.executable, ["-c", "import time\nwhile True: time.sleep(60)"], {})
    transport.close()
    assert transport._process.returncode == -9
    with pytest.raises(ServerUnreachable, match="takes no more messages"):
        transport.notify({"jsonrpc": "2.0", "method": "x"})


def test_a_stdio_server_that_is_aborted_fails_the_call_under_way() -> None:
    transport = StdioTransport(sys.executable, ["-c", "import sys; sys.stdin.read()"], {})
    transport.abort()
    with pytest.raises(ServerUnreachable, match=r"ended before it answered|takes no more"):
        transport.request({"jsonrpc": "2.0", "id": 1, "method": "initialize"})
    transport.close()


def test_tools_that_no_server_has_are_named_and_every_server_is_let_go_of() -> None:
    toolbox = Toolbox([StdioServer("x", sys.executable, ("-c", SERVER), (("TOOL", "fs_read"),))], "test", "1")
    with pytest.raises(ServerUnreachable, match="has broadcast, fs_list"):
        toolbox.open(frozenset({"fs_read", "fs_list", "broadcast"}))
    assert toolbox.tools == ()


def test_nobody_listens_on_a_port_that_was_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    connection = HttpConnection(url)
    connection.close()
    with pytest.raises(ServerUnreachable):
        connection.request("POST", {}, b"{}")


# ── the scripted brain over tools that fail ──


class Changing(Shelf):
    """A shelf on which a file is changed whenever its second page is read, or refused from some offset on."""

    def __init__(self, files: dict[str, str], *, changes: int = 0, refusal: str = "") -> None:
        super().__init__(files, page=1000)
        self.changes = changes
        self.refusal = refusal

    async def call(self, tool: str, **arguments: str | int) -> str:
        if tool == "fs_read" and int(arguments.get("offset", 0)) > 0:
            if self.refusal:
                raise ToolRefused(self.refusal)
            if self.changes:
                self.changes -= 1
                return "something quite different"
        return await super().call(tool, **arguments)


LONG = {"knowledge-base/a.md": "x" * 5000}


async def test_a_text_that_changes_while_it_is_read_is_read_again() -> None:
    assert (await read_text(Changing(LONG, changes=2), "knowledge-base/a.md")).text == "x" * 5000


async def test_a_text_that_changes_all_the_time_is_refused_in_words() -> None:
    with pytest.raises(ToolRefused, match="being changed all the time"):
        await read_text(Changing(LONG, changes=9), "knowledge-base/a.md")


async def test_a_read_that_is_refused_half_way_is_refused() -> None:
    with pytest.raises(ToolRefused, match="busy"):
        await read_text(Changing(LONG, refusal="The bucket is busy."), "knowledge-base/a.md")


async def test_more_than_the_bound_is_not_read_and_that_is_said() -> None:
    read = await read_text(Changing(LONG), "knowledge-base/a.md", bound=2000)
    assert read.text == "x" * 2000
    assert read.stopped == "the first 2,000 of 5,000 bytes"


async def test_a_listing_that_never_moves_on_ends() -> None:
    class Stuck:
        async def call(self, _tool: str, **_arguments: str | int) -> str:
            return json.dumps(
                {"files": [{"path": "a", "size": 1}, {"path": "b/", "size": 0}], "more": True, "after": ""}
            )

    assert [file.path for file in await list_files(Stuck(), "")] == ["a"]


async def test_a_create_that_is_refused_for_another_reason_is_refused() -> None:
    class Full(Shelf):
        async def call(self, tool: str, **arguments: str | int) -> str:
            if tool == "fs_write":
                raise ToolRefused("The bucket is full.")
            return await super().call(tool, **arguments)

    with pytest.raises(ToolRefused, match="full"):
        await create(Full({"output/a.md.bak": ""}), "output/a.md", "x")
    assert not await create(Full({"output/a.md": ""}), "output/a.md", "x")


async def test_of_a_log_nobody_can_read_nothing_is_announced() -> None:
    logs = {
        "store/agent-0.ndjson": 'no json\n[1]\n{"iteration": 1}\n' * 3,
        "store/agent-2.ndjson": log_line("digest a") + "half a li",
    }
    assert await announced(Shelf(logs), FACTS) == {"digest a"}


async def test_a_turn_whose_tools_fail_says_so_and_will_try_again() -> None:
    class Closed(Shelf):
        def __init__(self) -> None:
            super().__init__({"direction.md": "Digest."})
            self.broadcast: dict[str, str | int] = {}

        async def call(self, tool: str, **arguments: str | int) -> str:
            if tool == "broadcast":
                self.broadcast = arguments
                return "ok"
            if tool == "fs_list":
                raise ToolRefused("The bucket is busy.")
            return await super().call(tool, **arguments)

    tools = Closed()
    report = await take_turn(tools, FACTS)
    assert (report.action, report.idle) == ("could not go on", False)
    assert "busy" in str(tools.broadcast["result"])


def test_a_coroutine_that_waits_is_a_fault_and_is_ended() -> None:
    import asyncio  # noqa: PLC0415 - only to have something that waits

    ended = False

    async def waits() -> None:
        nonlocal ended
        try:
            await asyncio.sleep(0)
        finally:
            ended = True

    with pytest.raises(RuntimeError, match="waited for something"):
        drive(waits())
    assert ended
