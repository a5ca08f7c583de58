"""The ACP side of our own brains: JSON-RPC, a message a line, on standard input and output.

The main thread reads and answers; each turn runs in a thread of its own, so that a cancel is heard while it works. What is
offered: initialize, authenticate (nothing to do), session/new, session/prompt, session/cancel, session/close. What a turn does is
the session's affair; see ``Session``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, NamedTuple, Protocol

from agent.brains.mcp.toolbox import HttpServer, Server, StdioServer
from murmur.errors import MurmurError

_PROTOCOL: Final = 1
_MOST_SESSIONS: Final = 64
"""Clients that never close a session must not make the process grow: the oldest idle one is forgotten."""
_GOODBYE_SECONDS: Final = 2.0
_KINDS: Final = {"fs_read": "read", "fs_list": "search", "fs_write": "edit"}

_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _INVALID_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603


class RpcError(Exception):
    """An answer that is an error: JSON-RPC code, words, and data for programs."""

    def __init__(self, code: int, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class Cancelled(MurmurError):
    """The client cancelled the turn. Remedy: none is needed."""

    code = "cancelled"


class Card(NamedTuple):
    """What a brain says of itself in ``initialize``."""

    name: str
    title: str
    version: str


class Ending(NamedTuple):
    """How a turn ended: an ACP stop reason, and tokens in and out where they are known."""

    stop_reason: str = "end_turn"
    tokens: tuple[int, int] | None = None


class Session(Protocol):
    """One session: connects as soon as it is made, runs one turn at a time. ``cancel`` and ``disconnect`` come from another thread."""

    busy: bool
    """Whether a turn runs; kept by whoever accepts prompts."""

    def connect(self) -> None:
        """Reach the tools. Idempotent. Raises MurmurError."""
        ...

    def begin(self) -> None:
        """A turn was accepted: from now on ``cancel`` means this one."""
        ...

    def run(self, prompt: str, tell: Tell) -> Ending:
        """The turn. Raises Cancelled, RpcError, and other MurmurErrors for what went wrong."""
        ...

    def cancel(self) -> None:
        """End the turn that runs, whatever it waits for."""
        ...

    def disconnect(self) -> None:
        """Let go of the tools; a later turn connects anew. Idempotent."""
        ...


class Tell:
    """What a turn tells the client while it runs."""

    def __init__(self, send: Callable[[str, dict[str, Any]], None], session: str, call: Any) -> None:
        self._send = send
        self._session = session
        self._call = call
        self._calls = 0

    def said(self, text: str) -> None:
        """A piece of the answer."""
        self._update({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}})

    def thought(self, text: str) -> None:
        """A piece of what the model thinks aloud."""
        self._update({"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": text}})

    def called(self, tool: str, target: str, well: bool) -> None:
        """A tool was called, and whether it answered well."""
        self._calls += 1
        self._update(
            {
                "sessionUpdate": "tool_call",
                "toolCallId": f"{self._call}-{self._calls}",
                "title": f"{tool} {target}".strip(),
                "kind": _KINDS.get(tool, "other"),
                "status": "completed" if well else "failed",
            }
        )

    def used(self, context: int, window: int, cost: float | None) -> None:
        """Tokens of the context now and at most; what the turn has cost so far in US dollars, where prices are known."""
        update: dict[str, Any] = {"sessionUpdate": "usage_update", "used": context, "size": window}
        self._update(update if cost is None else {**update, "cost": {"amount": cost, "currency": "USD"}})

    def note(self, method: str, fields: dict[str, Any]) -> None:
        """A notification of our own dialect; ``method`` begins with an underscore."""
        self._send(method, {"sessionId": self._session, **fields})

    def _update(self, update: dict[str, Any]) -> None:
        self._send("session/update", {"sessionId": self._session, "update": update})


class Agent:
    """The agent over two byte streams. ``write`` must take a whole line at once and is called under a lock."""

    def __init__(
        self, card: Card, make: Callable[[tuple[Server, ...]], Session], write: Callable[[bytes], object]
    ) -> None:
        """``make``: a session over these servers."""
        self._card = card
        self._make = make
        self._write = write
        self._writing = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._threads: set[threading.Thread] = set()
        self._made = 0
        self._requests: dict[str, Callable[[Any, dict[str, Any]], None]] = {
            "initialize": self._initialize,
            "authenticate": lambda call, _: self._answer(call, {}),
            "session/new": self._new,
            "session/prompt": self._prompt,
            "session/close": self._close,
        }

    def serve(self, lines: BinaryIO) -> None:
        """Answer until the input ends; then cancel what runs and wait for it, at most two seconds."""
        while line := lines.readline():
            if line.strip():
                self._take(line)
        for session in self._sessions.values():
            session.cancel()
        deadline = time.monotonic() + _GOODBYE_SECONDS
        for thread in tuple(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._refuse(None, RpcError(_PARSE_ERROR, "The line is not JSON."))
            return
        if not isinstance(message, dict):
            self._refuse(None, RpcError(_INVALID_REQUEST, "A message is one JSON object."))
            return
        method, params = message.get("method"), message.get("params")
        if not isinstance(method, str):
            if "result" not in message and "error" not in message:
                self._refuse(message.get("id"), RpcError(_INVALID_REQUEST, "The message has no method."))
            return
        params = params if isinstance(params, dict) else {}
        if "id" not in message:
            if method == "session/cancel":
                self._cancel(params.get("sessionId"))
            return
        handler = self._requests.get(method)
        if handler is None:
            self._refuse(message["id"], RpcError(_NO_METHOD, f"There is no method {method[:60]!r} here."))
            return
        try:
            handler(message["id"], params)
        except RpcError as error:
            self._refuse(message["id"], error)

    def _initialize(self, call: Any, _: dict[str, Any]) -> None:
        self._answer(
            call,
            {
                "protocolVersion": _PROTOCOL,
                "agentInfo": self._card._asdict(),
                "agentCapabilities": {
                    "loadSession": False,
                    "mcpCapabilities": {"http": True, "sse": False},
                    "promptCapabilities": {"image": False, "audio": False, "embeddedContext": False},
                    "sessionCapabilities": {"close": {}},
                },
                "authMethods": [],
            },
        )

    def _new(self, call: Any, params: dict[str, Any]) -> None:
        entries = params.get("mcpServers")
        if not isinstance(entries, list):
            raise RpcError(_INVALID_PARAMS, "mcpServers must be a list.")
        session = self._make(tuple(_server(entry) for entry in entries))
        self._made += 1
        name = f"{self._card.name}-{self._made}"
        for other in [n for n, s in self._sessions.items() if not s.busy][: len(self._sessions) + 1 - _MOST_SESSIONS]:
            self._forget(other)
        self._sessions[name] = session
        self._answer(call, {"sessionId": name})
        # The client may wait to see the tools listed before it prompts, so this does not wait for the prompt.
        self._aside(lambda: self._connect(session))

    def _prompt(self, call: Any, params: dict[str, Any]) -> None:
        name = params.get("sessionId")
        session = self._session(name)
        if session.busy:
            raise RpcError(_INVALID_REQUEST, "A turn is already running in this session.")
        blocks = params.get("prompt")
        if not isinstance(blocks, list):
            raise RpcError(_INVALID_PARAMS, "prompt must be a list of content blocks.")
        text = "\n".join(str(b.get("text", "")) for b in blocks if isinstance(b, dict) and b.get("type") == "text")
        session.begin()
        self._aside(lambda: self._turn(call, str(name), session, text))

    def _turn(self, call: Any, name: str, session: Session, prompt: str) -> None:
        try:
            ending = session.run(prompt, Tell(self._notify, name, call))
            outcome: dict[str, Any] | RpcError = _ended(ending)
        except Cancelled:
            outcome = {"stopReason": "cancelled"}
        except RpcError as error:
            outcome = error
        except MurmurError as error:
            outcome = RpcError(INTERNAL, str(error))
        except Exception as error:  # noqa: BLE001  # a fault in one turn must not take the warm process with it
            sys.excepthook(type(error), error, error.__traceback__)
            outcome = RpcError(INTERNAL, f"{self._card.name} failed: {type(error).__name__}: {error}")
        session.busy = False
        if isinstance(outcome, RpcError):
            self._refuse(call, outcome)
        else:
            self._answer(call, outcome)

    def _cancel(self, name: Any) -> None:
        session = self._sessions.get(name) if isinstance(name, str) else None
        if session is not None and session.busy:
            session.cancel()

    def _close(self, call: Any, params: dict[str, Any]) -> None:
        name = params.get("sessionId")
        self._session(name)
        self._forget(str(name))
        self._answer(call, {})

    def _forget(self, name: str) -> None:
        session = self._sessions.pop(name)
        session.cancel()
        self._aside(session.disconnect)

    def _session(self, name: Any) -> Session:
        session = self._sessions.get(name) if isinstance(name, str) else None
        if session is None:
            raise RpcError(_INVALID_PARAMS, f"There is no session {name!r}.")
        return session

    def _aside(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            finally:
                self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _connect(self, session: Session) -> None:
        try:
            session.connect()
        except MurmurError as error:
            print(
                f"{self._card.name}: {error}", file=sys.stderr
            )  # The turn tries again, and fails with this if it must.

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _answer(self, call: Any, result: dict[str, Any]) -> None:
        self._send({"id": call, "result": result})

    def _refuse(self, call: Any, error: RpcError) -> None:
        told: dict[str, Any] = {"code": error.code, "message": str(error)}
        self._send({"id": call, "error": told if error.data is None else {**told, "data": dict(error.data)}})

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        with self._writing:
            self._write(line)


def _ended(ending: Ending) -> dict[str, Any]:
    if ending.tokens is None:
        return {"stopReason": ending.stop_reason}
    given, made = ending.tokens
    usage = {"inputTokens": given, "outputTokens": made, "totalTokens": given + made}
    return {"stopReason": ending.stop_reason, "usage": usage}


def _server(entry: Any) -> Server:
    """One entry of ``mcpServers``. Raises RpcError for what is not offered or not whole."""
    try:
        kind = entry.get("type", "stdio")
        if kind == "http":
            headers = tuple((str(h["name"]), str(h["value"])) for h in entry.get("headers") or [])
            return HttpServer(str(entry["name"]), str(entry["url"]), headers)
        if kind == "stdio":
            env = tuple((str(e["name"]), str(e["value"])) for e in entry.get("env") or [])
            args = tuple(str(arg) for arg in entry.get("args") or [])
            return StdioServer(str(entry["name"]), str(entry["command"]), args, env)
    except (AttributeError, KeyError, TypeError) as error:
        raise RpcError(_INVALID_PARAMS, f"An entry of mcpServers is not whole: {error!r}.") from error
    raise RpcError(_INVALID_PARAMS, f"MCP servers of type {str(kind)[:20]!r} are not offered here; use http or stdio.")


def serve(agent: Agent) -> int:
    """Serve standard input and output until the input ends. Returns the exit code: 0, or 130 when interrupted."""
    try:
        agent.serve(sys.stdin.buffer)
    except KeyboardInterrupt:
        return 130
    return 0


def write_all(line: bytes) -> None:
    """Write a line to standard output, past all buffers."""
    try:
        while line:
            line = line[os.write(1, line) :]
    except BrokenPipeError:
        os._exit(0)  # Nobody listens any more, whichever thread finds out: with the client the reason to be is gone.
