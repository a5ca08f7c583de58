"""Keeps an agent going on its host: a loop that broke is begun again, and takes up where its log says it was."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from agent.loop import FENCED, AgentLoop

RESTART_SECONDS: Final = (1.0, 30.0)
"""Shortest and longest wait before a loop that broke is begun again."""
_log = logging.getLogger(__name__)


async def keep_alive(agent: int, make: Callable[[], AgentLoop], stopping: asyncio.Event) -> str:
    """Run the loop that ``make`` makes; if it breaks, make another, ever more slowly. Returns why the last one ended.

    A loop that was fenced off stands by, and is made anew should the process that took its place fall silent.
    """
    delay = RESTART_SECONDS[0]
    while not stopping.is_set():
        loop = make()
        try:
            ended = await loop.run()
            if ended == FENCED and not (ended := await loop.stand_by()):
                continue
        except Exception as error:  # noqa: BLE001 - a broken loop must not take its neighbours on this host with it
            if stopping.is_set():
                _log.warning("agent-%d broke while it ended: %s", agent, error)
                break
            _log.exception("agent-%d broke; it begins again in %.0f s", agent, delay)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), delay)
            delay = min(RESTART_SECONDS[1], delay * 2)
        else:
            _log.info("agent-%d ended: %s", agent, ended)
            return ended
    return "stopped"
