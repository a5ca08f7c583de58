"""The scripted brain without a process: the same turn, straight on a desk. For the simulator and for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted.facts import parse_facts
from agent.brains.scripted.turn import take_turn
from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from murmur.errors import InvalidInput, MurmurError


class DeskTools:
    """Tools that are a desk's methods; what the desk raises becomes words, as the MCP server makes it."""

    def __init__(self, desk: Desk) -> None:
        self._tools: dict[str, Callable[..., Awaitable[str]]] = {
            "fs_read": desk.fs_read,
            "fs_write": desk.fs_write,
            "fs_list": desk.fs_list,
            "broadcast": desk.broadcast,
        }

    async def call(self, tool: str, **arguments: str | int) -> str:
        """See ``Tools.call``."""
        try:
            return await self._tools[tool](**arguments)
        except MurmurError as error:
            raise ToolRefused(f"{error.message} {error.remedy}") from error


class ScriptedMind:
    """A Mind (agent/ports.py) that thinks in the loop's own process. ``pause`` is how it waits, so that time may be virtual."""

    scripted = True

    def __init__(
        self, *, think_seconds: float = 0.0, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._think_seconds = think_seconds
        self._pause = pause

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        """See ``Mind.run``. The time limit is applied to the thinking, which is all that takes time here."""
        desk.listed.set()
        if self._think_seconds > 0:
            await self._pause(min(self._think_seconds, timeout_seconds))
            if self._think_seconds > timeout_seconds:
                return TurnOutcome("timeout", detail=f"the scripted brain thinks for {self._think_seconds:g} s")
        try:
            await take_turn(DeskTools(desk), parse_facts(prompt))
        except (InvalidInput, ToolRefused) as error:
            return TurnOutcome("error", detail=str(error))
        return TurnOutcome("end_turn")

    async def close(self) -> None:
        """See ``Mind.close``: there is nothing to end."""
