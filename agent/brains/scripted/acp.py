"""The ACP side: JSON-RPC, a message a line, on standard input and output.

The main thread reads and answers; each turn runs in a thread of its own, so that a cancel is heard while it works. What is
offered: initialize, authenticate (nothing to do), session/new, session/prompt, session/cancel, session/close.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from agent.brains.scripted.session import (
    NAME,
    VERSION,
    Behaviour,
    Cancelled,
    HttpServer,
    Session,
    StdioServer,
)
from murmur.errors import MurmurError

_PROTOCOL: Final = 1
_MOST_SESSIONS: Final = 64
"""Clients that never close a session must not make the process grow: the oldest idle one is forgotten."""
_GOODBYE_SECONDS: Final = 2.0
_KINDS: Final = {"fs_read": "read", "fs_list": "search", "fs_write": "edit"}

_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _INVALID_PARAMS, _INTERNAL = -32700, -32600, -32601, -32602, -32603


class RpcError(Exception):
    """An answer that is an error: JSON-RPC code and words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Agent:
    """The agent over two byte streams. ``write`` must take a whole line at once and is called under a lock."""

    def __init__(self, behaviour: Behaviour, write: Callable[[bytes], object]) -> None:
        self._behaviour = behaviour
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
                "agentInfo": {"name": NAME, "title": "Scripted brain (no model)", "version": VERSION},
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
        session = Session(tuple(_server(entry) for entry in entries), self._behaviour)
        self._made += 1
        name = f"scripted-{self._made}"
        for other in [n for n, s in self._sessions.items() if not s.busy][: len(self._sessions) + 1 - _MOST_SESSIONS]:
            self._forget(other)
        self._sessions[name] = session
        self._answer(call, {"sessionId": name})
        # The client may wait to see the tools listed before it prompts, so this does not wait for the prompt.
        self._aside(lambda: _connect(session))

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
        calls = 0

        def on_call(tool: str, arguments: dict[str, str | int], well: bool) -> None:  # the callback's shape
            nonlocal calls
            calls += 1
            target = arguments.get("path", arguments.get("prefix", ""))
            self._update(
                name,
                {
                    "sessionUpdate": "tool_call",
                    "toolCallId": f"{call}-{calls}",
                    "title": f"{tool} {target}".strip(),
                    "kind": _KINDS.get(tool, "other"),
                    "status": "completed" if well else "failed",
                },
            )

        try:
            report = session.run(prompt, on_call)
            said = f"{report.action}: {report.result}. Next: {report.next_intent}."
            self._update(name, {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": said}})
            outcome: dict[str, Any] | RpcError = {"stopReason": "end_turn"}
        except Cancelled:
            outcome = {"stopReason": "cancelled"}
        except MurmurError as error:
            outcome = RpcError(_INTERNAL, str(error))
        except Exception as error:  # noqa: BLE001  # a fault in one turn must not take the warm process with it
            sys.excepthook(type(error), error, error.__traceback__)
            outcome = RpcError(_INTERNAL, f"The scripted brain failed: {type(error).__name__}: {error}")
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

    def _update(self, session: str, update: dict[str, Any]) -> None:
        self._send({"method": "session/update", "params": {"sessionId": session, "update": update}})

    def _answer(self, call: Any, result: dict[str, Any]) -> None:
        self._send({"id": call, "result": result})

    def _refuse(self, call: Any, error: RpcError) -> None:
        self._send({"id": call, "error": {"code": error.code, "message": str(error)}})

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        with self._writing:
            self._write(line)


def _connect(session: Session) -> None:
    try:
        session.connect()
    except MurmurError as error:
        print(f"{NAME}: {error}", file=sys.stderr)  # The turn tries again, and fails with this if it must.


def _server(entry: Any) -> HttpServer | StdioServer:
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
