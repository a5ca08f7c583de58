"""The seam between an agent's loop and whatever thinks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agent.tools.desk import Desk
from murmur.entry import Usage


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """How the agent process says the turn ended. Whether it was a success is judged from the Desk, not from this."""

    stop_reason: str
    """An ACP stop reason, or one of ours: ``timeout``, ``died``, ``stalled``, ``no_tools``, ``error``."""
    usage: Usage | None = None
    """None where the runner reports nothing."""
    detail: str = ""
    """For a failure: what happened, in words fit for a log line."""
    rate_limited: bool = False
    fatal: bool = False
    """Trying again cannot help (missing command, refused key): the agent parks with ``detail`` as the reason."""
    retry_after_seconds: float = 0.0


class Mind(Protocol):
    """Runs one turn: reads ``prompt``, calls the tools of ``desk``, ends. Never raises for a failing agent process."""

    scripted: bool
    """Whether no model is behind it, so that it is labelled wherever it shows."""

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        """One turn. Returns within ``timeout_seconds`` plus a short grace."""
        ...

    async def close(self) -> None:
        """End the agent process and everything it started. Idempotent."""
        ...
