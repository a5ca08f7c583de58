"""The shape of an analysis: GET /cluster/analysis and /cluster/history/{run}/analysis answer it, `murmur analyse` shows it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Frozen):
    """The flock at one iteration: every agent that got so far counts in one of ``working``, ``idle``, ``failed``."""

    iteration: int
    agents: int
    """How many agents have an entry of this iteration."""
    working: int
    idle: int
    failed: int
    at_rest: float
    """Share of all agents whose last word up to here is idle: 1.0 is a flock that has come to rest."""
    new_files: int
    """Files written for the first time by anybody."""
    rewritten: int
    """Files written again."""
    likeness: float | None
    """How alike these entries' words are to the words that woke them, 0 to 1 (Jaccard); None where none was woken by words kept."""


class Influence(_Frozen):
    """How often ``source``'s entries woke ``target``, and how long the word took."""

    source: int
    target: int
    wakes: int
    median_ms: int | None
    """From the source's append to the target's turn; None where it was not measured."""


class DuplicateFile(_Frozen):
    """A file that more than one agent wrote, in the order in which they first did."""

    key: str
    agents: tuple[int, ...]
    writes: int


class Repeated(_Frozen):
    """The same action and result, said more than once."""

    words: str
    agents: tuple[int, ...]
    times: int


class AgentWork(_Frozen):
    """One agent's share."""

    agent: int
    turns: int
    failed: int
    idle_entries: int
    busy_ms: int
    """Time in turns."""
    idle_share: float
    """Share of the run's span in which it was in no turn."""
    files: int
    input_tokens: int
    output_tokens: int
    cost: float
    causes: Mapping[str, int]
    caused: int
    """Turns of others that its entries woke."""
    refused: int
    doubts: int


class Analysis(_Frozen):
    """A run in numbers. ``truncated``: only each log's first entries were read, because there are very many."""

    run: str
    current: bool
    agents: int
    entries: int
    truncated: bool = False
    began: str = ""
    ended: str = ""
    span_seconds: float = 0.0
    """From the first entry's beginning to the last entry."""
    idle_share: float = 0.0
    """Share of all agents' time, from the first entry to the last, spent in no turn."""
    rested_at: int | None = None
    """The iteration from which on every agent's newest entry stays idle; None if that never came."""
    files: int = 0
    duplicate_share: float = 0.0
    """Share of the files that more than one agent wrote."""
    deepest: int = 0
    """Longest chain of wakes: one entry woke another, which woke another."""
    median_wake_ms: int | None = None
    slow_wake_ms: int | None = None
    """The slowest twentieth of wakes took longer."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    steps: tuple[Step, ...] = ()
    influence: tuple[Influence, ...] = ()
    """Strongest first."""
    duplicates: tuple[DuplicateFile, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    work: tuple[AgentWork, ...] = ()
