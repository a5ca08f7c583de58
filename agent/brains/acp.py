"""The ACP side of our own brains: JSON-RPC, a message a line, on standard input and output.

The main thread reads and answers; each turn runs in a thread of its own, so that a cancel is heard while it works. What is
offered: initialize, authenticate (nothing to do), session/new, session/prompt, session/cancel, session/close. What a turn does is
the session's affair; see ``agent.brains.session``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from agent.brains.mcp.toolbox import HttpServer, Server, StdioServer
from agent.brains.session import INTERNAL, Cancelled, Card, Ending, RpcError, Session, Tell
from murmur.errors import MurmurError

_PROTOCOL: Final = 1
_MOST_SESSIONS: Final = 64
"""Clients that never close a session must not make the process grow: the oldest idle one is forgotten."""
_GOODBYE_SECONDS: Final = 2.0

_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _INVALID_PARAMS = -32700, -32600, -32601, -32602


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
        idle = [other for other, session_ in self._sessions.items() if not session_.busy]
        for other in idle[: max(0, len(self._sessions) + 1 - _MOST_SESSIONS)]:
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
