"""What an agent does, judged from its state document, its host and its age: the word in the status, and why. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from murmur.entry import moment
from murmur.facts import AgentFacts, FlockFacts
from murmur.state import AgentState

MISSING_AFTER_SECONDS: Final = 150.0
"""A heartbeat comes at least once a minute: two were missed, and half a minute of grace."""

AgentStatusName = Literal[
    "starting",
    "waiting",
    "turn",
    "idle",
    "pacing",
    "backing-off",
    "paused",
    "parked",
    "missing",
    "stopped",
]


class Evidence(BaseModel):
    """How it is known: the newest heartbeat ("" before the first) and its age."""

    model_config = ConfigDict(frozen=True)
    alive: str = ""
    age_seconds: float | None = None


def evidence_of(state: AgentState | None, now: datetime) -> Evidence:
    """What an agent's state document is worth as a sign of life."""
    alive = moment(state.alive) if state else None
    if state is None or alive is None:
        return Evidence()
    return Evidence(alive=state.alive, age_seconds=round(max(0.0, (now - alive).total_seconds()), 1))


def status_of(flock: FlockFacts, agent: AgentFacts, evidence: Evidence) -> tuple[AgentStatusName, str]:
    """What the agent does, and why where that needs words."""
    control, state = flock.control, agent.state
    if not control.alive and not _still_ending(flock, agent):
        return "stopped", state.detail if state else ""
    gone = _gone(flock, agent, evidence)
    if gone and not (state and state.activity == "stopped"):
        return "missing", gone
    if state is None:
        return "starting", ""
    if state.activity != "waiting":
        return state.activity, state.detail
    if control.state == "paused":
        return "paused", state.detail
    last = agent.entries[-1] if agent.entries else None
    return ("idle" if last is not None and last.is_idle else "waiting"), state.detail


def _still_ending(flock: FlockFacts, agent: AgentFacts) -> bool:
    """Whether the flock is stopping and this agent has not said that it has stopped, nor is its host gone."""
    if flock.control.state != "stopping" or agent.state is None or agent.state.activity == "stopped":
        return False
    host = flock.host_of(agent)
    return host is None or host.state != "gone"


def _gone(flock: FlockFacts, agent: AgentFacts, evidence: Evidence) -> str:
    """Why the agent counts as missing; "" if it does not."""
    host = flock.host_of(agent)
    if host is not None and host.state == "gone":
        return f"{host.name} is gone{': ' + host.detail if host.detail else ''}"
    if evidence.age_seconds is not None:
        silent = evidence.age_seconds > MISSING_AFTER_SECONDS
        return f"no sign of life for {evidence.age_seconds:.0f} seconds" if silent else ""
    started = moment(flock.control.started)
    if started is not None and (flock.now - started).total_seconds() > MISSING_AFTER_SECONDS:
        return "it never gave a sign of life"
    return ""
