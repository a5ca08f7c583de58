"""What a turn says of itself."""

from __future__ import annotations

from typing import NamedTuple

from agent.brains.scripted.tools import Tools, clip


class Report(NamedTuple):
    """The words of the turn's log line. ``idle``: the agent itself sees no work left for it."""

    action: str
    result: str
    next_intent: str
    idle: bool = False

    async def say(self, tools: Tools) -> None:
        """Broadcast it. Raises ToolRefused."""
        await tools.call(
            "broadcast",
            action=clip(self.action),
            result=clip(self.result),
            next_intent=clip(self.next_intent),
            state="idle" if self.idle else "working",
        )
