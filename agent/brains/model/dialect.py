"""What an endpoint's wire format is to the rest of the brain: a request made, a stream read, an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from agent.brains.mcp.client import Tool
from agent.brains.model.failure import ModelFailure
from agent.brains.model.talk import Answer, Call, Talk

MOST_CALLS: Final = 64
"""Of one answer; what is above is not made."""
ANSWER_CHARACTERS: Final = 8_000_000
"""An answer without end is no answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """Something of the answer, as it comes. ``arguments``: of a tool call; a sign of life, not to be shown."""

    kind: Literal["text", "thought", "arguments"]
    text: str


class Reading(Protocol):
    """One answer while it arrives."""

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Take bytes of the body. Raises ModelFailure if the stream says that it failed, or is no such stream."""
        ...

    def answer(self) -> Answer:
        """The whole answer, when the body has ended. Raises ModelFailure if it ended too early."""
        ...


class Dialect(Protocol):
    """How to talk to one kind of endpoint."""

    def request(self, talk: Talk, tools: Sequence[Tool]) -> Request:
        """The request for the next answer. Raises ModelFailure where no credentials are found."""
        ...

    def reading(self) -> Reading:
        """Read one answer."""
        ...


@dataclass(slots=True)
class Draft:
    """A tool call whose arguments still arrive."""

    id: str = ""
    name: str = ""
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """Everything of an answer that is the same in every dialect."""

    text: list[str] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    size: int = 0

    def grow(self, part: str) -> str:
        """Count a part. Raises ModelFailure when the answer has no end."""
        self.size += len(part)
        if self.size > ANSWER_CHARACTERS:
            raise ModelFailure(f"The model's answer grew over {ANSWER_CHARACTERS} characters and was cut off.")
        return part

    def keep(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Pass the pieces on, and keep what is text. Raises ModelFailure as ``grow`` does."""
        for piece in pieces:
            self.grow(piece.text)
            if piece.kind == "text":
                self.text.append(piece.text)
            yield piece

    def calls(self) -> tuple[Call, ...]:
        """The tool calls, each with an id of its own."""
        used: set[str] = set()
        made: list[Call] = []
        for number, draft in enumerate(self.drafts[:MOST_CALLS]):
            name = draft.id if draft.id and draft.id not in used else f"call_{number}"
            used.add(name)
            made.append(call_of(name, draft.name, "".join(draft.parts)))
        return tuple(made)


def call_of(name: str, tool: str, raw: str) -> Call:
    """A call from its arguments as they came: a JSON object, or that object as a string in JSON, or nothing."""
    if not raw.strip():
        return Call(name, tool, {})
    try:
        value = json.loads(raw)
        if isinstance(value, str):
            value = json.loads(value)
    except (ValueError, RecursionError) as error:
        return Call(name, tool, None, f"The arguments are no JSON: {error}.")
    if not isinstance(value, dict):
        return Call(name, tool, None, "The arguments are no JSON object.")
    return Call(name, tool, value)


def count(value: Any) -> int:
    """A number of tokens as an endpoint tells it; 0 for what can be none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else 0
