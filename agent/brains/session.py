"""What a brain is to the ACP side that serves it: sessions that take turns, and what a turn may tell while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from murmur.errors import MurmurError

INTERNAL: Final = -32603
_KINDS: Final = {"fs_read": "read", "fs_list": "search", "fs_write": "edit"}


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
