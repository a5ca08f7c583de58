"""The conversation of one turn, in no endpoint's words, and kept within the model's window.

Nothing is in it but the prompt, what the model said and what its tools answered. When the window is nearly full, what is oldest is
replaced by a line that says what stood there and how to read it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

CHARACTERS_A_TOKEN: Final = 3.0
"""Careful for English prose, fair for code and JSON."""
_FULL: Final = 0.7
"""Part of the window that the conversation may take; the rest is for the answer and for what the estimate is wrong by."""
_SHORT: Final = 400
SMALLEST_PAGE: Final = 1000
"""Characters of a result below which reading on would cost more than it shows."""
_RANGE: Final = re.compile(r"\[murmur\] (bytes \d+-\d+ of \d+)[^\n]*\Z")

Stop = Literal["end", "calls", "length", "refusal"]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the model's. ``arguments``: None if they were no JSON object; ``flaw`` then says what they were."""

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    flaw: str = ""

    @property
    def target(self) -> str:
        """What it is about, for people."""
        given = self.arguments or {}
        return str(given.get("path", given.get("prefix", "")))[:160]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the model."""

    text: str
    calls: tuple[Call, ...]
    stop: Stop
    tokens_in: int = 0
    tokens_out: int = 0
    reasoning: tuple[Mapping[str, Any], ...] = ()
    """Signed blocks that the endpoint wants back as they were."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answered."""

    call: Call
    text: str
    well: bool


@dataclass(slots=True)
class Step:
    """An answer, what came of its calls, and what we say to the model beside."""

    answer: Answer
    results: Sequence[Result]
    aside: str = ""
    short: bool = False


@dataclass(slots=True)
class Talk:
    """The prompt and the steps so far."""

    system: str
    prompt: str
    steps: list[Step] = field(default_factory=list)

    def tokens(self) -> int:
        """About how many tokens it is."""
        return round((len(self.system) + len(self.prompt) + sum(map(_size, self.steps))) / CHARACTERS_A_TOKEN)

    def fit(self, window_tokens: int, tools_tokens: int) -> bool:
        """Shorten what is oldest, as far as needed; the newest step stays whole. False if it still does not fit."""
        room = round(window_tokens * _FULL) - tools_tokens
        for step in self.steps[:-1]:
            if self.tokens() <= room:
                break
            if not step.short:
                _shorten(step)
        return self.tokens() <= room


def result_characters(window_tokens: int) -> int:
    """How much of a window one tool result may take."""
    return max(SMALLEST_PAGE, min(65_536, round(window_tokens * CHARACTERS_A_TOKEN * 0.25)))


def clipped(text: str, limit: int) -> str:
    """A result that is longer than a page may be, cut, with a note how to get the rest."""
    if len(text) <= limit:
        return text
    return (
        f"{text[:limit]}\n[cut here: the first {limit} of {len(text)} characters. Ask for less at once (a smaller limit, a "
        "longer prefix), or go on behind the last one shown with after.]"
    )


def _size(step: Step) -> int:
    calls = sum(len(call.name) + len(json.dumps(call.arguments or {})) for call in step.answer.calls)
    return len(step.answer.text) + calls + sum(len(result.text) for result in step.results) + len(step.aside)


def _shorten(step: Step) -> None:
    calls = {call.id: replace(call, arguments=_brief(call.arguments or {})) for call in step.answer.calls}
    text = step.answer.text if len(step.answer.text) <= _SHORT else f"{step.answer.text[:_SHORT]} […]"
    step.answer = replace(step.answer, text=text, calls=tuple(calls.values()))
    step.results = [Result(calls[r.call.id], _summary(r), r.well) for r in step.results]
    step.short = True


def _brief(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: f"[{len(value)} characters, left out here to save room]"
        if isinstance(value, str) and len(value) > _SHORT
        else value
        for name, value in arguments.items()
    }


def _summary(result: Result) -> str:
    if len(result.text) <= _SHORT:
        return result.text
    part = _RANGE.search(result.text, max(0, len(result.text) - 300))
    which = part[1] if part else f"all {len(result.text)} characters"
    what = f"{result.call.name} {result.call.target}".strip()
    return f"[{what}: {which} stood here, left out to save room. Call it again if you need it.]"
