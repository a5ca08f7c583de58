"""A mind that does nothing, at once: what is left is the cost of the loop around it."""

from __future__ import annotations

from agent.ports import TurnOutcome
from agent.tools.desk import Desk


class Still:
    """Says that it is idle."""

    scripted = True

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        """One empty turn."""
        desk.listed.set()
        await desk.broadcast("looked", "nothing to do", "rest", "idle")
        return TurnOutcome("end_turn")

    async def close(self) -> None:
        """Nothing to close."""
