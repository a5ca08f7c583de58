"""state/agent-N.json: an agent's heartbeat, what it has seen, its counters, and why it stands still if it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmur.entry import Cause, Waker

Activity = Literal["waiting", "pacing", "turn", "backing-off", "paused", "parked", "stopped"]


class Counters(BaseModel):
    """What the agent counted since its run began. ``gated`` of ``wakes`` needed no turn; ``rescues`` are changes no event told of."""

    model_config = ConfigDict(frozen=True)
    wakes: int = 0
    gated: int = 0
    rescues: int = 0
    turns: int = 0
    failed_turns: int = 0
    looks: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    unreadable: int = 0
    tokens: int = 0
    cost: float = 0.0

    def plus(self, **more: float) -> Self:
        """These counters with ``more`` added, by name."""
        return self.model_copy(update={name: getattr(self, name) + value for name, value in more.items()})


class CurrentTurn(BaseModel):
    """The turn that is going on."""

    model_config = ConfigDict(frozen=True)
    iteration: int
    cause: Cause
    since: str
    woken_by: tuple[Waker, ...] = ()


class Delivery(BaseModel):
    """What became of one queue message, for the inspector: ``became`` says which turn took it, or why none did."""

    model_config = ConfigDict(frozen=True)
    key: str
    version: str
    sent: str
    received: str
    receives: int = 1
    became: Literal["turn", "gated", "duplicate", "out-of-order", "control", "unreadable", "foreign"] = "gated"
    iteration: int | None = None
    """The iteration of the turn that consumed it; None when none did."""


class AgentState(BaseModel):
    """The document. ``alive`` is written at most once a minute while nothing else happens."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    agent: Annotated[int, Field(ge=0)]
    run: str
    host: str = ""
    runner: str = ""
    scripted: bool = False
    alive: str = ""
    activity: Activity = "waiting"
    detail: str = ""
    """Why it is parked or backing off, in words."""
    until: str = ""
    """When pacing or backing off ends (ISO-8601); empty if it does not."""
    turn: CurrentTurn | None = None
    """None between turns."""
    iteration: int = -1
    """Newest entry of the log; -1 before the first."""
    seen: Mapping[int, int] = Field(default_factory=dict)
    seen_documents: Mapping[str, str] = Field(default_factory=dict)
    counters: Counters = Counters()
    deliveries: tuple[Delivery, ...] = ()
    """The last 20, newest last."""

    def to_json(self) -> bytes:
        """The document as it is stored."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Self | None:
        """Read the document; None if it is damaged (the agent then starts from its log alone)."""
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            return None
