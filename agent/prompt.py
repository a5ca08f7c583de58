"""The words an agent process gets for one turn: why it was woken, what is new since its last turn, the direction, how to work.

A model begins every turn without memory, so this is all it knows; it is told what changed, so that it need not read everything
again. What comes from others is fenced: one line of JSON an entry or a file, between marks that carry a number drawn for this
turn and that stand nowhere in what they enclose. Everything is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any, Final

from agent.view import View
from murmur import keys
from murmur.entry import LogEntry, Waker, moment, one_line
from murmur.gate import Verdict
from murmur.ports import ObjectInfo
from murmur.ring import ALGORITHMS

DIRECTION_CHARACTERS: Final = 16_000
NEWS_CHARACTERS: Final = 16_000
"""Of all neighbours' new entries together, the newest first."""
ENTRIES_PER_NEIGHBOUR: Final = 6
NEIGHBOURS_NAMED: Final = 24
FILES_SHOWN: Final = 60
FILES_PER_ENTRY: Final = 8
NAME_CHARACTERS: Final = 160
CLOCKS_APART: Final = timedelta(seconds=2)
"""A file this much older than the agent's last line may still be news: host and bucket have clocks of their own."""

_WHY: Final[Mapping[str, str]] = {
    "start": "the flock has just been started. This is your first turn in this run.",
    "repair": "your last turn broke off before it was logged; its files may be there already. Look before you repeat anything.",
    "resume": "the operator resumed the flock after a pause.",
    "direction": "the operator set a new direction. What you were doing may no longer be wanted.",
    "directive": "the operator gave you an instruction of your own, or withdrew it.",
    "config": "the operator changed how the flock works.",
    "neighbour": "you were woken because of what a neighbour wrote:",
    "interval": "nothing woke you for a while; you look for yourself whether there is work.",
}


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """What the turn is about, beside what the view knows."""

    agent: int
    size: int
    iteration: int
    verdict: Verdict
    news: Mapping[int, Sequence[LogEntry]]
    own: Sequence[LogEntry]
    output: Sequence[ObjectInfo]
    fence: str
    """A number nobody could know before this turn."""
    changed: frozenset[str] = frozenset()
    """Names of the operator's documents that changed since the last turn (``murmur.cursor.DOCUMENTS``)."""


def build(view: View, facts: TurnFacts) -> str:
    """The whole prompt."""
    fresh, known = _sorted_out(facts)
    parts = {
        "news": _news(facts.news),
        "fresh": _files(fresh),
        "own": [_line(facts.agent, entry, own=True) for entry in facts.own[-ENTRIES_PER_NEIGHBOUR:]],
        "known": _files(known),
    }
    fence = _unused(facts.fence, parts.values())
    near = view.neighbours
    named = ", ".join(f"agent-{other}" for other in near[:NEIGHBOURS_NAMED]) or "nobody: you work alone"
    more = f" and {len(near) - NEIGHBOURS_NAMED} others" if len(near) > NEIGHBOURS_NAMED else ""
    words = template("loop").format(
        name=f"agent-{facts.agent}",
        size=facts.size,
        why=_why(facts.verdict.cause, facts.verdict.woken_by),
        direction=_clipped(view.direction, keys.DIRECTION),
        directive=_directive(view.directive, facts.agent),
        operator=_operator(facts.changed) if facts.own else "",
        algorithm=ALGORITHMS[view.config.algorithm].told.format(neighbours=named + more),
        fence=fence,
        **{name: _fenced(fence, lines) for name, lines in parts.items()},
    )
    return f"```murmur-turn\n{json.dumps(_head(view, facts))}\n```\n\n{words}"


@cache
def template(name: str) -> str:
    """One of the texts in agent/prompts."""
    return (resources.files("agent.prompts") / f"{name}.md").read_text("utf-8")


def _head(view: View, facts: TurnFacts) -> dict[str, Any]:
    """The facts for programs: the scripted brain reads these and nothing else of the prompt."""
    return {
        "agent": facts.agent,
        "of": facts.size,
        "algorithm": view.config.algorithm,
        "neighbours": list(view.neighbours),
        "iteration": facts.iteration,
        "cause": facts.verdict.cause,
        "woken_by": [{"agent": w.agent, "iteration": w.iteration} for w in facts.verdict.woken_by],
    }


def _why(cause: str, woken_by: Iterable[Waker]) -> str:
    named = ", ".join(f"agent-{w.agent} (its iteration {w.iteration})" for w in list(woken_by)[-4:])
    return f"{_WHY[cause]} {named}".strip()


def _operator(changed: frozenset[str]) -> str:
    """Which of the operator's words are new; all of them stand in the prompt anyway."""
    told = {"direction": "the direction", "directive": "your own instruction", "config": "how the flock works"}
    new = [words for name, words in told.items() if name in changed]
    return (
        f"The operator changed {' and '.join(new)}.\n" if new else "The direction is the same as in your last turn.\n"
    )


def _directive(text: str, agent: int) -> str:
    return f"\n## For you alone, from the operator\n{_clipped(text, keys.directive(agent))}\n" if text.strip() else ""


def _clipped(text: str, name: str) -> str:
    text = text.strip()
    if len(text) <= DIRECTION_CHARACTERS:
        return text or "(none yet)"
    rest = len(text) - DIRECTION_CHARACTERS
    return f"{text[:DIRECTION_CHARACTERS]}\n[… {rest} more characters: read {name} with fs_read]"


def _news(news: Mapping[int, Sequence[LogEntry]]) -> list[str]:
    """The newest lines that fit, each agent's in order."""
    newest = [(entry.ts, other, entry) for other, found in news.items() for entry in found[-ENTRIES_PER_NEIGHBOUR:]]
    newest.sort(key=lambda item: item[0], reverse=True)
    shown: list[tuple[int, int, str]] = []
    room = NEWS_CHARACTERS
    for _, other, entry in newest:
        line = _line(other, entry)
        room -= len(line)
        if room < 0:
            break
        shown.append((other, entry.iteration, line))
    hidden = sum(map(len, news.values())) - len(shown)
    lines = [line for _, _, line in sorted(shown)]
    return [*lines, f"… and {hidden} older lines: they are in store/"] if hidden else lines


def _line(agent: int, entry: LogEntry, *, own: bool = False) -> str:
    fields: dict[str, Any] = {"agent": agent, "iteration": entry.iteration, "action": entry.action}
    fields |= {"result": entry.result, "next_intent": entry.next_intent, "state": entry.state}
    if entry.files:
        fields["files"] = [one_line(name, NAME_CHARACTERS) for name in entry.files[:FILES_PER_ENTRY]]
    if own and entry.doubts:
        fields["the runtime found"] = list(entry.doubts)
    if own and entry.refused:
        fields["the tools refused"] = list(entry.refused)
    return json.dumps(fields, ensure_ascii=False)


def _sorted_out(facts: TurnFacts) -> tuple[list[ObjectInfo], list[ObjectInfo]]:
    """The files others wrote since the last turn, newest first; and the rest. In a first turn nothing is known."""
    last = facts.own[-1] if facts.own else None
    since = moment(last.ts) if last else None
    if last is None or since is None:
        return sorted(facts.output, key=lambda item: item.modified, reverse=True), []
    fresh = [
        item
        for item in facts.output
        if item.modified > since - CLOCKS_APART and not (item.key in last.files and item.modified <= since)
    ]
    fresh.sort(key=lambda item: item.modified, reverse=True)
    new = {item.key for item in fresh}
    return fresh, [item for item in facts.output if item.key not in new]


def _files(listing: Sequence[ObjectInfo]) -> list[str]:
    shown = [
        json.dumps({"path": one_line(o.key, NAME_CHARACTERS), "size": o.size}, ensure_ascii=False)
        for o in listing[:FILES_SHOWN]
    ]
    hidden = len(listing) - len(shown)
    return [*shown, f"… and {hidden} more: fs_list shows them"] if hidden else shown


def _unused(fence: str, parts: Iterable[Sequence[str]]) -> str:
    """The fence, longer until it stands nowhere in what it encloses."""
    text = "\n".join(line for lines in parts for line in lines)
    while fence in text:
        fence += fence[-1]
    return fence


def _fenced(fence: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f"<<<data {fence}\n{body}\n{fence}>>>" if body else "(nothing)"
