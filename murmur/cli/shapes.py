"""What the API answers, parsed at the edge into frozen values, with every text made safe to print.

Tolerant on purpose: the command may be older or newer than the flock it talks to, and shows what it understands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from murmur.cli.text import clean


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an agent's log."""

    agent: int
    iteration: int
    ts: str
    action: str
    result: str
    next_intent: str
    state: str
    cause: str
    woken_by: tuple[tuple[int, int], ...]
    """(agent, iteration) of each entry that woke it."""
    files: tuple[str, ...]
    wake_ms: int | None
    turn_ms: int
    stop_reason: str
    refused: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """What it did and what came of it."""
        return " → ".join(part for part in (self.action, self.result) if part)

    @property
    def why(self) -> str:
        """The cause, with who it was: ``neighbour 2#7``."""
        if not self.woken_by:
            return self.cause
        shown = " ".join(f"{agent}#{iteration}" for agent, iteration in self.woken_by[:3])
        return f"{self.cause} {shown}" + ("…" if len(self.woken_by) > 3 else "")

    @classmethod
    def parse(cls, agent: int, value: Any) -> Self | None:
        """Read an entry; None if it is none."""
        if not isinstance(value, Mapping) or not isinstance(value.get("iteration"), int):
            return None
        wake_ms = value.get("wake_ms")
        return cls(
            agent=agent,
            iteration=value["iteration"],
            ts=_text(value, "ts", 40),
            action=_text(value, "action"),
            result=_text(value, "result"),
            next_intent=_text(value, "next_intent"),
            state=_text(value, "state", 20),
            cause=_text(value, "cause", 20),
            woken_by=tuple((_int(w, "agent"), _int(w, "iteration")) for w in _list(value, "woken_by") if _is_map(w)),
            files=tuple(clean(name, 300) for name in _list(value, "files")),
            wake_ms=wake_ms if isinstance(wake_ms, int) else None,
            turn_ms=_int(value, "turn_ms"),
            stop_reason=_text(value, "stop_reason", 40),
            refused=tuple(clean(words, 300) for words in _list(value, "refused")),
            doubts=tuple(clean(words, 300) for words in _list(value, "doubts")),
        )


@dataclass(frozen=True, slots=True)
class Counters:
    """What an agent, or the whole flock, counted."""

    turns: int = 0
    failed_turns: int = 0
    wakes: int = 0
    gated: int = 0
    rescues: int = 0
    tokens: int = 0
    cost: float = 0.0

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read counters; what is not there is 0."""
        cost = value.get("cost") if isinstance(value, Mapping) else None
        whole = {name: _int(value, name) for name in ("turns", "failed_turns", "wakes", "gated", "rescues", "tokens")}
        return cls(**whole, cost=float(cost) if isinstance(cost, int | float) else 0.0)


@dataclass(frozen=True, slots=True)
class Inbox:
    """How much waits in a queue."""

    visible: int
    in_flight: int
    dead: int

    def __str__(self) -> str:
        return f"{self.visible}+{self.in_flight}" + (f" ({self.dead} dead)" if self.dead else "")

    @classmethod
    def parse(cls, value: Any) -> Self | None:
        """Read a depth; None if it is not known."""
        if not isinstance(value, Mapping):
            return None
        return cls(_int(value, "visible"), _int(value, "in_flight"), _int(value, "dead"))


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, as the status tells."""

    id: int
    status: str
    age_seconds: float | None
    """Since it was last known to be alive; None if it never was."""
    detail: str
    neighbours: tuple[int, ...]
    last: Entry | None
    previous: Entry | None
    inbox: Inbox | None
    counters: Counters
    turn_cause: str
    """Cause of the turn that is going on; empty between turns."""
    directive: bool

    @property
    def said(self) -> str:
        """Why it stands as it does where that needs words, else its last words."""
        if self.detail and self.detail != self.status:
            return self.detail
        return self.last.said if self.last else ""

    @classmethod
    def parse(cls, value: Any) -> Self | None:
        """Read an agent; None if it is none."""
        if not isinstance(value, Mapping) or not isinstance(value.get("id"), int):
            return None
        number = value["id"]
        age = _map(value, "evidence").get("age_seconds")
        return cls(
            id=number,
            status=_text(value, "status", 20),
            age_seconds=float(age) if isinstance(age, int | float) else None,
            detail=_text(value, "detail"),
            neighbours=tuple(other for other in _list(value, "neighbours") if isinstance(other, int)),
            last=Entry.parse(number, value.get("last")),
            previous=Entry.parse(number, value.get("previous")),
            inbox=Inbox.parse(value.get("inbox")),
            counters=Counters.parse(value.get("counters")),
            turn_cause=_text(_map(value, "turn"), "cause", 20),
            directive=value.get("directive") is True,
        )


@dataclass(frozen=True, slots=True)
class Status:
    """The whole flock."""

    state: str
    run: str
    reason: str
    since: str
    started: str
    now: str
    scripted: bool
    runner: str
    concurrency: int
    algorithm: str
    radius: int
    totals: Counters
    files: int
    agents: tuple[Agent, ...]
    repairs: int = 0
    """Hosts that died and were started again."""
    notices: tuple[str, ...] = ()
    """What a person should know of, in words."""

    @property
    def parked(self) -> tuple[Agent, ...]:
        """Agents that stand still for a reason of their own: a spent budget, a runner that cannot work."""
        return tuple(agent for agent in self.agents if agent.status == "parked")

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a status."""
        agents = (Agent.parse(item) for item in _list(value, "agents"))
        return cls(
            state=_text(value, "state", 20) or "unknown",
            run=_text(value, "run", 40),
            reason=_text(value, "reason", 500),
            since=_text(value, "since", 40),
            started=_text(value, "started", 40),
            now=_text(value, "now", 40),
            scripted=value.get("scripted") is True,
            runner=_text(value, "runner", 40),
            concurrency=_int(value, "concurrency"),
            algorithm=_text(value, "algorithm", 20),
            radius=_int(value, "neighbourRadius"),
            totals=Counters.parse(value.get("totals")),
            files=_int(_map(value, "totals"), "files"),
            agents=tuple(sorted((agent for agent in agents if agent), key=lambda agent: agent.id)),
            repairs=_int(_map(value, "totals"), "repairs"),
            notices=tuple(clean(notice, 200) for notice in _list(value, "notices") if isinstance(notice, str)),
        )


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _map(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return list(found) if isinstance(found, list | tuple) else []


def _int(value: Any, name: str) -> int:
    found = value.get(name) if isinstance(value, Mapping) else None
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) else 0


def _text(value: Any, name: str, limit: int = 300) -> str:
    found = value.get(name) if isinstance(value, Mapping) else None
    return "" if found is None else clean(found, limit)
