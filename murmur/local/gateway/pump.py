"""Carries the changes queue to the dashboards: what a Lambda trigger does on AWS."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from functions.live.handler import changes_of
from functions.live.live import Live
from murmur.errors import MurmurError
from murmur.ports import Inbox

WAIT_SECONDS: Final = 2.0
"""One long poll; queues are told to those who watch them at least as often."""
_RETRY_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
_log = logging.getLogger(__name__)


async def pump(inbox: Inbox, live: Live) -> None:
    """Receive, tell, delete, until cancelled. A queue that does not answer is asked again, ever more slowly."""
    failures = 0
    while True:
        try:
            messages = await inbox.receive(WAIT_SECONDS)
            if messages:
                await _tell(live, [message.body for message in messages])
                await inbox.delete(messages)
            else:
                await live.push_queues()
            failures = 0
        except MurmurError as error:
            if not failures:
                _log.warning("changes do not arrive: %s", error)
            await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
            failures += 1


async def _tell(live: Live, bodies: list[str]) -> None:
    try:
        await live.on_changes(changes_of(bodies))
    except MurmurError as error:
        _log.warning("dashboards were not told of a change: %s", error)
    except Exception:  # noqa: BLE001  # one batch that trips a fault must not end the live view for all that follow
        _log.exception("dashboards were not told of a change")
