"""The design that events replace: look every interval, and take a turn each time, whether there is anything or not."""

from __future__ import annotations

from typing import Any, Final

from agent.loop import AgentLoop
from murmur import keys
from murmur.gate import Verdict
from murmur.memory.inbox import MemoryInbox

_EVERY_TIME: Final = Verdict(due=True, cause="interval")


class PollingLoop(AgentLoop):
    """An agent whose turns begin ``loopIntervalSeconds`` apart, or one after the other where they take longer.

    The store, the view, the turn and the journal are those of AgentLoop; there is no inbox and no gate. The first turn comes at a
    moment of the interval drawn for this agent, as hosts do not start at the same instant.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._next_at: float | None = None

    async def _round(self) -> None:
        interval = self.view.config.loopIntervalSeconds
        now = self._clock.monotonic()
        if self._next_at is None:
            self._next_at = now + self._random.uniform(0, interval)
        await self._patience.unless_stopped(self._clock.sleep(self._next_at - now))
        if self._patience.stopped:
            return
        self._next_at = max(self._next_at + interval, self._clock.monotonic())
        await self._patience.until_done(self._look_at_control)
        if not self._over() and self.view.control.acting:
            await self._take(_EVERY_TIME)

    async def _look_at_control(self) -> None:
        """Is the run still on? What else there is, the turn sees as it begins."""
        await self.view.read({keys.CONTROL: ""})


def no_delivery(_inbox: MemoryInbox, _body: str) -> None:
    """The Carrier of a flock that polls: no event is sent at all."""
