"""The lease of a host's agents: they may go on while their run does, and while somebody looks after it.

The lifecycle leaves a sign (state/lease.json) at most once a minute. Whether it changes is all that is looked at, by this host's own
clock, so that clocks need not agree. It is read once for all agents of a host, wakes nobody, and holds in the midst of a turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from murmur import keys
from murmur.control import Control, parse_control
from murmur.errors import InvalidInput, NotFound, Unavailable
from murmur.ports import Clock, Store

WATCH_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Over:
    """Why agents of this run must end. ``disowned``: the run is another by now, so that nothing more may be written for this one."""

    why: str
    disowned: bool = False


class Lease:
    """What one host knows of its lease. ``minutes``: how long it holds without a sign."""

    def __init__(self, store: Store, clock: Clock, run: str, minutes: float) -> None:
        self._store = store
        self._clock = clock
        self._run = run
        self._minutes = minutes
        self._control = Control(state="starting", run=run)
        self._etags: dict[str, str] = {}
        self._sign_at = clock.monotonic()

    async def watch(self, end: Callable[[Over], None]) -> None:
        """Look twice a minute; call ``end`` as soon as the lease is over, and return."""
        while not (over := await self.look()):
            await self._clock.sleep(WATCH_SECONDS)
        _log.warning("%s", over.why)
        end(over)

    async def look(self) -> Over | None:
        """One look; None while the lease holds. A store that does not answer gives no sign either."""
        try:
            if body := await self._changed(keys.CONTROL):
                self._control = parse_control(body)
            if await self._changed(keys.LEASE):
                self._sign_at = self._clock.monotonic()
        except (Unavailable, NotFound, InvalidInput) as error:
            _log.warning("lease: %s", error)
        if why := self._control.over(self._run):
            return Over(why, disowned=self._control.run != self._run)
        if self._clock.monotonic() - self._sign_at > self._minutes * 60:
            return Over(f"nobody has looked after this flock for {self._minutes:g} minutes (leaseMinutes)")
        return None

    async def _changed(self, key: str) -> bytes:
        """What stands at ``key`` if that is new; else, or if nothing does, b""."""
        try:
            found = await self._store.get_if_changed(key, self._etags.get(key, ""))
        except NotFound:
            return b""
        if found is None:
            return b""
        self._etags[key] = found.etag
        return found.body
