"""What goes on beside an agent's rounds, turns included: held messages must not come back, nor the heartbeat grow old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from agent.heart import Heart
from agent.mailbox import Mailbox
from murmur.errors import NotFound, Unavailable
from murmur.ports import Clock

UPKEEP_SECONDS: Final = 20.0
"""Well within the time for which messages are held (agent/mailbox.py) and in which a heartbeat is due (agent/heart.py)."""
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


async def beside(upkeep: Coroutine[Any, Any, None], work: Coroutine[Any, Any, _T]) -> _T:
    """Do ``work`` while ``upkeep`` goes on. Should that break (a fence, or a fault), the work is in vain: it is cancelled, and the error raised."""
    working, keeping = asyncio.ensure_future(work), asyncio.ensure_future(upkeep)
    try:
        await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            working.cancel()
            await asyncio.wait({working})
            await keeping
        return await working
    finally:
        working.cancel()
        keeping.cancel()


async def keep_up(clock: Clock, mailbox: Mailbox, heart: Heart) -> None:
    """Go on until cancelled. Raises Fenced once another process has taken this one's place."""
    while True:
        await clock.sleep(UPKEEP_SECONDS)
        try:
            await mailbox.keep()
        except (Unavailable, NotFound) as error:
            _log.warning("agent-%d: wakes not extended: %s", heart.state.agent, error)
        await heart.beat()
