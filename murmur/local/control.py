"""The lifecycle on one machine: actions asked for run one after the other in the background, and a timer ticks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from functions.lifecycle import Lifecycle
from murmur.control import read_control
from murmur.errors import MurmurError
from murmur.ports import LifecycleAction

TICK_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class LocalControl:
    """A Control whose requests are served by this process, one at a time, ``tick`` among them."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._asked: asyncio.Queue[tuple[LifecycleAction, str]] = asyncio.Queue()
        self._working: asyncio.Task[None] | None = None

    async def request(self, action: LifecycleAction, run: str) -> None:
        """See ``Control.request``."""
        self._asked.put_nowait((action, run))

    def start(self) -> None:
        """Begin to serve. A run found half-way through its start or stop is taken up again at once."""
        self._working = asyncio.create_task(self._work(), name="lifecycle")

    async def stop(self) -> None:
        """End serving, the action under way included; it can be repeated."""
        if self._working:
            self._working.cancel()
            await asyncio.wait({self._working})
            self._working = None

    async def _work(self) -> None:
        await self._guarded(self._take_up)
        while True:
            try:
                async with asyncio.timeout(TICK_SECONDS):  # wait_for may swallow a cancellation before 3.12
                    action, run = await self._asked.get()
            except TimeoutError:
                await self._guarded(self._tick)
            else:
                await self._guarded(partial(self._lifecycle.act, action, run))

    async def _take_up(self) -> None:
        control = (await read_control(self._lifecycle.store)).control
        if control.state in ("starting", "stopping"):
            await self._lifecycle.act("start" if control.state == "starting" else "stop", control.run)

    async def _tick(self) -> None:
        control = (await read_control(self._lifecycle.store)).control
        if control.run:
            await self._lifecycle.tick(control.run)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Nothing that goes wrong in one action may end the serving of the next; the tick tries again."""
        try:
            await work()
        except MurmurError as error:
            _log.warning("lifecycle: %s", error)
        except Exception:  # noqa: BLE001 - logged whole; the next action must still run
            _log.exception("lifecycle: an action broke")
