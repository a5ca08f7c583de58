"""What a process does whose agent another one has taken over: watch that one, and be there should it fall silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.heart import HEARTBEAT_SECONDS, Heart
from agent.patience import Patience
from agent.view import View
from murmur import keys
from murmur.ports import Clock

SILENT_BEATS: Final = 3
"""Heartbeats that a process may miss before one that it fenced off takes its place."""


class StandBy:
    """Watches the state document of an agent that another process runs."""

    def __init__(self, clock: Clock, patience: Patience, view: View, heart: Heart) -> None:
        self._clock = clock
        self._patience = patience
        self._view = view
        self._heart = heart
        self._silent_beats = 0
        self._last_beat = "-"

    async def watch(self, over: Callable[[], str]) -> str:
        """Return "" once the other process has fallen silent, or why the run is ``over``."""
        while self._silent_beats < SILENT_BEATS:
            await self._patience.unless_stopped(self._clock.sleep(HEARTBEAT_SECONDS))
            await self._patience.until_done(self._look)
            if why := over():
                return why
        return ""

    async def _look(self) -> None:
        await self._view.read({keys.CONTROL: ""})
        beat = await self._heart.version()
        self._silent_beats = self._silent_beats + 1 if beat == self._last_beat else 0
        self._last_beat = beat
