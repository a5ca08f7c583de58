"""The sign that somebody looks after the run: agents that see none for ``leaseMinutes`` end by themselves (agent/lease.py)."""

from __future__ import annotations

import json
import logging
from typing import Final

from murmur import keys
from murmur.entry import timestamp
from murmur.errors import Unavailable
from murmur.ports import Clock, Store

EVERY_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


class LeaseSign:
    """Leaves the sign, at most once a minute for as long as this object lives: what forgets leaves it a little more often."""

    def __init__(self) -> None:
        self._left: tuple[str, float] | None = None
        """The run it was left for last, and when."""

    async def leave(self, store: Store, clock: Clock, run: str) -> None:
        """Leave the sign if it is time to. A store that does not answer is asked again at the next tick."""
        now = clock.monotonic()
        if self._left is not None and self._left[0] == run and now - self._left[1] < EVERY_SECONDS:
            return
        body = json.dumps({"run": run, "at": timestamp(clock.now())}).encode()
        try:
            await store.put(keys.LEASE, body, content_type="application/json")
        except Unavailable as error:
            _log.warning("run %s: the lease was not renewed: %s", run, error)
        else:
            self._left = (run, now)
