"""The words an agent process gets for one turn: why it was woken, what is new, the direction, how to work.

What comes from other agents is fenced: one line of JSON an entry, between marks that carry a number drawn for this turn,
so that a neighbour's text can neither end the fence nor pass for an instruction. Everything is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from agent.view import View
from murmur.entry import LogEntry, Waker, one_line
from murmur.gate import Verdict
from murmur.ports import ObjectInfo

DIRECTION_CHARACTERS: Final = 16_000
ENTRIES_PER_NEIGHBOUR: Final = 6
NEIGHBOURS_SHOWN: Final = 24
FILES_SHOWN: Final = 60

_WHY: Final[Mapping[str, str]] = {
    "start": "the flock has just been started.",
    "repair": "your last turn broke off before it was logged; its files may be there already. Look before you repeat anything.",
    "resume": "the operator resumed the flock.",
    "direction": "the operator set a new direction.",
    "directive": "the operator gave you an instruction of your own, or withdrew it.",
    "config": "the operator changed how the flock works.",
    "neighbour": "a neighbour wrote:",
    "interval": "nothing woke you for a while, and you look for yourself whether there is work.",
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


def build(view: View, facts: TurnFacts) -> str:
    """The whole prompt."""
    near = view.neighbours
    head = {
        "agent": facts.agent,
        "of": facts.size,
        "algorithm": view.config.algorithm,
        "neighbours": list(near),
        "iteration": facts.iteration,
        "cause": facts.verdict.cause,
        "woken_by": [{"agent": w.agent, "iteration": w.iteration} for w in facts.verdict.woken_by],
    }
    named = ", ".join(f"agent-{other}" for other in near[:NEIGHBOURS_SHOWN]) or "nobody: you work alone"
    words = template("loop").format(
        name=f"agent-{facts.agent}",
        size=facts.size,
        why=_why(facts.verdict.cause, facts.verdict.woken_by),
        direction=_clipped(view.direction, "direction.md"),
        directive=f"\n## For you alone, from the operator\n{_clipped(view.directive, 'your directive')}\n"
        if view.directive
        else "",
        news=_fenced(
            facts.fence,
            (line for other, found in list(facts.news.items())[:NEIGHBOURS_SHOWN] for line in _lines(other, found)),
        ),
        own=_fenced(facts.fence, _lines(facts.agent, facts.own)),
        output=_fenced(facts.fence, _files(facts.output)),
        algorithm=template(view.config.algorithm).format(neighbours=named),
    )
    return f"```murmur-turn\n{json.dumps(head)}\n```\n\n{words}"


@cache
def template(name: str) -> str:
    """One of the texts in agent/prompts."""
    return (resources.files("agent.prompts") / f"{name}.md").read_text("utf-8")


def _why(cause: str, woken_by: Iterable[Waker]) -> str:
    named = ", ".join(f"agent-{w.agent} (its iteration {w.iteration})" for w in list(woken_by)[-4:])
    return f"{_WHY[cause]} {named}".strip()


def _clipped(text: str, name: str) -> str:
    text = text.strip()
    if len(text) <= DIRECTION_CHARACTERS:
        return text or "(none yet)"
    rest = len(text) - DIRECTION_CHARACTERS
    return f"{text[:DIRECTION_CHARACTERS]}\n[… {rest} more characters: read {name} with fs_read]"


def _lines(agent: int, entries: Sequence[LogEntry]) -> list[str]:
    return [
        json.dumps(
            {
                "agent": agent,
                "iteration": entry.iteration,
                "action": entry.action,
                "result": entry.result,
                "next_intent": entry.next_intent,
                "state": entry.state,
                "files": [one_line(name) for name in entry.files[:8]],
            },
            ensure_ascii=False,
        )
        for entry in entries[-ENTRIES_PER_NEIGHBOUR:]
    ]


def _files(listing: Sequence[ObjectInfo]) -> list[str]:
    shown = [json.dumps({"path": one_line(o.key), "size": o.size}, ensure_ascii=False) for o in listing[:FILES_SHOWN]]
    hidden = len(listing) - len(shown)
    return [*shown, f"… and {hidden} more: fs_list shows them"] if hidden else shown


def _fenced(fence: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"<<<data {fence}\n{body}\n{fence}>>>" if body else "(nothing)"
