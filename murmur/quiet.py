"""Has the whole flock settled? Pure functions over every agent's newest line and every queue (wake.md, I6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from murmur.entry import LogEntry


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What the settle rule knows of one agent."""

    agent: int
    last: LogEntry | None
    newest_news: int = -1
    """Iteration of its newest entry that is news to its neighbours; -1 for none."""
    seen: Mapping[int, int] = field(default_factory=dict)
    seen_documents: Mapping[str, str] = field(default_factory=dict)
    in_turn: bool = False
    parked: str = ""
    """Why it is parked; empty if it is not."""
    waiting_messages: int = 0
    """Visible or in flight in its queue."""
    wrote: float = 0.0
    """When it last wrote (``murmur.entry.last_written``): what a swarm ranks by."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``settled``, or what the flock still waits for; ``parked`` agents and why, which is part of a settled verdict."""

    settled: bool
    waiting_for: str = ""
    parked: Mapping[int, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """One sentence for control.json."""
        if not self.settled:
            return self.waiting_for
        if not self.parked:
            return "every agent is idle and has seen everything"
        some = "; ".join(f"agent-{agent}: {why}" for agent, why in sorted(self.parked.items())[:3])
        return f"idle, {len(self.parked)} of them parked ({some})"


def judge(
    flock: Sequence[AgentFacts],
    neighbourhoods: Mapping[int, Sequence[int]],
    documents: Mapping[int, Mapping[str, str]],
) -> Verdict:
    """Whether nobody works, nobody is owed news and nothing is under way.

    ``documents`` holds, per agent, the current version of each document that could make a turn due for it.
    """
    news = {facts.agent: facts.newest_news for facts in flock}
    for facts in flock:
        waiting = _waits_for(facts, news, neighbourhoods[facts.agent], documents[facts.agent])
        if waiting:
            return Verdict(False, f"agent-{facts.agent} {waiting}")
    return Verdict(True, parked={facts.agent: facts.parked for facts in flock if facts.parked})


def _waits_for(facts: AgentFacts, news: Mapping[int, int], near: Sequence[int], documents: Mapping[str, str]) -> str:
    if facts.in_turn:
        return "is in a turn"
    if facts.parked:
        return ""
    if facts.last is None:
        return "has not had its first turn"
    if facts.last.failed or facts.last.state != "idle":
        return "is working"
    if facts.waiting_messages:
        return "has messages waiting"
    for other in near:
        if facts.seen.get(other, -1) < news.get(other, -1):
            return f"has not seen what agent-{other} wrote"
    for name, version in documents.items():
        if facts.seen_documents.get(name, "") != version:
            return f"has not seen the newest {name}"
    return ""
