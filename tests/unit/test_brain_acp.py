"""The ACP side of our own brains, over plain bytes: what is no message, what is not offered, and turns that go wrong."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from agent.brains.acp import Agent
from agent.brains.mcp.errors import ServerUnreachable
from agent.brains.mcp.toolbox import HttpServer, Server, StdioServer
from agent.brains.session import Cancelled, Card, Ending, RpcError, Tell

CARD = Card("test-brain", "A brain for tests", "1")
HTTP = {"type": "http", "name": "murmur", "url": "http://127.0.0.1:1/mcp", "headers": [{"name": "A", "value": "b"}]}
STDIO = {"name": "murmur", "command": "true", "args": ["x"], "env": [{"name": "A", "value": "b"}]}


class Scene:
    """A session whose turn is ``work``; ``waits`` keeps it running until it is cancelled."""

    def __init__(self, servers: tuple[Server, ...], work: Callable[[Tell], Ending], *, waits: bool) -> None:
        self.servers = servers
        self.busy = False
        self.cancelled = threading.Event()
        self.disconnected = threading.Event()
        self._work = work
        self._waits = waits

    def connect(self) -> None:
        raise ServerUnreachable("No server here.")

    def begin(self) -> None:
        self.busy = True

    def run(self, _prompt: str, tell: Tell) -> Ending:
        if self._waits:
            assert self.cancelled.wait(20)
            raise Cancelled("The turn was cancelled.", "")
        return self._work(tell)

    def cancel(self) -> None:
        self.cancelled.set()

    def disconnect(self) -> None:
        self.disconnected.set()


class Spoken:
    """An agent, what it has written, and the sessions it made. ``say`` hands it messages until their input ends."""

    def __init__(self, work: Callable[[Tell], Ending] = lambda _tell: Ending(), *, waits: bool = False) -> None:
        self.made: list[Scene] = []
        self.written: list[dict[str, Any]] = []
        self.agent = Agent(CARD, lambda servers: self._make(servers, work, waits), self._write)

    def _make(self, servers: tuple[Server, ...], work: Callable[[Tell], Ending], waits: bool) -> Scene:
        self.made.append(Scene(servers, work, waits=waits))
        return self.made[-1]

    def _write(self, line: bytes) -> None:
        self.written.append(json.loads(line))

    def say(self, *messages: object) -> list[dict[str, Any]]:
        lines = [m if isinstance(m, bytes) else json.dumps({"jsonrpc": "2.0", **m}).encode() for m in messages]  # type: ignore[dict-item]
        self.agent.serve(io.BytesIO(b"\n".join(lines) + b"\n"))
        return self.written

    def answer(self, number: int) -> dict[str, Any]:
        return next(message for message in self.written if message.get("id") == number)


def new(number: int = 1, *servers: object) -> dict[str, Any]:
    return {"id": number, "method": "session/new", "params": {"cwd": "/tmp", "mcpServers": list(servers)}}


def prompt(number: int, session: str = "test-brain-1", **more: Any) -> dict[str, Any]:
    given = {"sessionId": session, "prompt": [{"type": "text", "text": "Do it."}], **more}
    return {"id": number, "method": "session/prompt", "params": given}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"no json", -32700),
        (b"[" * 100_000, -32700),
        (b"[1]", -32600),
        (b'{"id": 4}', -32600),
        (b'{"id": 4, "method": "session/load"}', -32601),
        (b'{"id": 4, "method": "session/new", "params": {"mcpServers": {}}}', -32602),
        (b'{"id": 4, "method": "session/new", "params": {"mcpServers": ["x"]}}', -32602),
        (b'{"id": 4, "method": "session/new", "params": {"mcpServers": [{"type": "http"}]}}', -32602),
        (b'{"id": 4, "method": "session/new", "params": {"mcpServers": [{"type": "sse"}]}}', -32602),
        (b'{"id": 4, "method": "session/prompt", "params": {"sessionId": "x"}}', -32602),
        (b'{"id": 4, "method": "session/prompt", "params": {"sessionId": ["x"]}}', -32602),
        (b'{"id": 4, "method": "session/close", "params": {"sessionId": "x"}}', -32602),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_code_and_the_next_message_is_heard(line: bytes, code: int) -> None:
    spoken = Spoken()
    spoken.say(line, b"", {"id": 9, "method": "authenticate"})
    assert spoken.written[0]["error"]["code"] == code
    assert spoken.answer(9)["result"] == {}


@pytest.mark.parametrize(
    "line", [b'{"id": 4, "result": {}}', b'{"id": 4, "error": {}}', b'{"method": "session/other"}']
)
def test_answers_and_unknown_notifications_are_passed_over(line: bytes) -> None:
    assert Spoken().say(line) == []


def test_servers_of_both_kinds_reach_the_session_and_one_that_is_not_there_is_only_noted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoken = Spoken()
    spoken.say(new(1, HTTP, STDIO))
    assert spoken.made[0].servers == (
        HttpServer("murmur", "http://127.0.0.1:1/mcp", (("A", "b"),)),
        StdioServer("murmur", "true", ("x",), (("A", "b"),)),
    )
    assert spoken.answer(1)["result"] == {"sessionId": "test-brain-1"}
    assert "test-brain: No server here." in capsys.readouterr().err


def test_a_prompt_is_a_list_and_a_session_takes_one_turn_at_a_time() -> None:
    spoken = Spoken(waits=True)
    spoken.say(new(), prompt(2, prompt="Do it."), prompt(3), prompt(4))
    assert spoken.answer(2)["error"]["code"] == -32602
    assert "already running" in spoken.answer(4)["error"]["message"]
    assert spoken.answer(3)["result"] == {"stopReason": "cancelled"}  # the input ended, and with it the turn


def test_only_the_turn_that_runs_can_be_cancelled() -> None:
    spoken = Spoken(waits=True)
    cancels = [{"method": "session/cancel", "params": {"sessionId": name}} for name in ("test-brain-1", "other", 3)]
    spoken.say(new(), *cancels)
    assert "result" in spoken.answer(1)
    spoken = Spoken(waits=True)
    spoken.say(new(), prompt(2), cancels[0])
    assert spoken.answer(2)["result"] == {"stopReason": "cancelled"}


def fails(error: Exception) -> Callable[[Tell], Ending]:
    def work(_tell: Tell) -> Ending:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RpcError(-32000, "Sign in."), -32000, "Sign in."),
        (ServerUnreachable("The server is gone."), -32603, "The server is gone."),
        (ZeroDivisionError("by zero"), -32603, "test-brain failed: ZeroDivisionError: by zero"),
    ],
)
def test_a_turn_that_fails_is_an_error_and_the_process_goes_on(
    error: Exception, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken = Spoken(fails(error))
    spoken.say(new(), prompt(2))
    assert spoken.answer(2)["error"]["code"] == code
    assert words in spoken.answer(2)["error"]["message"]
    assert ("Traceback" in capsys.readouterr().err) == isinstance(error, ZeroDivisionError)
    spoken.say(new(5))
    assert spoken.answer(5)["result"] == {"sessionId": "test-brain-2"}


def test_what_a_turn_tells_arrives_before_its_answer_and_tokens_are_summed() -> None:
    def work(tell: Tell) -> Ending:
        tell.said("a")
        tell.thought("b")
        tell.called("fs_write", "output/a.md", True)
        tell.called("broadcast", "", False)
        tell.used(10, 100, None)
        tell.used(10, 100, 0.5)
        tell.note("_murmur/x", {"y": 1})
        return Ending("max_tokens", (3, 4))

    spoken = Spoken(work)
    spoken.say(new(), prompt(2))
    told = [message for message in spoken.written if "method" in message]
    updates = [message["params"]["update"] for message in told if message["method"] == "session/update"]
    assert [update["sessionUpdate"] for update in updates] == [
        "agent_message_chunk",
        "agent_thought_chunk",
        "tool_call",
        "tool_call",
        "usage_update",
        "usage_update",
    ]
    assert [(u["title"], u["kind"], u["status"]) for u in updates[2:4]] == [
        ("fs_write output/a.md", "edit", "completed"),
        ("broadcast", "other", "failed"),
    ]
    assert "cost" not in updates[4]
    assert updates[5]["cost"] == {"amount": 0.5, "currency": "USD"}
    assert told[-1]["params"] == {"sessionId": "test-brain-1", "y": 1}
    usage = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
    assert spoken.answer(2)["result"] == {"stopReason": "max_tokens", "usage": usage}


def test_sessions_nobody_closes_are_forgotten_oldest_first() -> None:
    spoken = Spoken()
    spoken.say(*(new(number) for number in range(1, 67)), prompt(80, "test-brain-2"), prompt(81, "test-brain-3"))
    assert "There is no session" in spoken.answer(80)["error"]["message"]
    assert spoken.answer(81)["result"] == {"stopReason": "end_turn"}
    assert [scene.disconnected.wait(20) for scene in spoken.made[:2]] == [True, True]


def test_a_session_that_is_closed_lets_go_of_its_tools() -> None:
    spoken = Spoken()
    spoken.say(new(), {"id": 2, "method": "session/close", "params": {"sessionId": "test-brain-1"}}, prompt(3))
    assert spoken.answer(2)["result"] == {}
    assert "error" in spoken.answer(3)
    assert spoken.made[0].disconnected.wait(20)
