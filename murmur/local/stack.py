"""A flock on one machine: the embedded endpoint, the gateway, the lifecycle and the hosts, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from agent.brains.scripted.settings import THINK
from agent.runner.kinds import offered_runners
from functions.lifecycle import Lifecycle
from functions.lifecycle.settle import SettleWatch
from murmur.aws.adapters import open_adapters
from murmur.aws.clients import Clients
from murmur.aws.inbox import SqsInbox
from murmur.clock import SystemClock
from murmur.config import MAX_CONCURRENCY
from murmur.control import read_control
from murmur.entry import timestamp
from murmur.local.access import leave_access, take_access
from murmur.local.control import LocalControl
from murmur.local.endpoint import Endpoint
from murmur.local.fleet import ProcessFleet
from murmur.local.gateway import Gateway
from murmur.local.home import Home
from murmur.local.machines import ThisMachine
from murmur.local.metrics import ProcessMetrics
from murmur.local.provision import changes_queue, provision
from murmur.memory.publisher import MemoryTicketBook
from murmur.services import ONE_MACHINE, Services
from murmur.settings import Settings

FLOCK: Final = "murmur"
WEB: Final = Path(__file__).resolve().parents[2] / "web"
_log = logging.getLogger(__name__)


class Stack:
    """Use as an async context manager: inside it the flock's dashboard and API answer at ``url``."""

    def __init__(
        self,
        home: Path,
        *,
        port: int = 0,
        think_seconds: float = 0.0,
    ) -> None:
        """``port`` 0: a free one. ``think_seconds`` slows the scripted brain down."""
        self.home = Home(home.resolve())
        self.url = ""
        self.resumed = ""
        """The run that an earlier server left going, and that this one carries on; "" if there was none."""
        self._port = port
        self._think = think_seconds
        self._parts = AsyncExitStack()
        self._endpoint = Endpoint(self.home.endpoint)
        self._fleet: ProcessFleet | None = None
        self._watching: asyncio.Task[None] | None = None
        # The embedded endpoint has no quota on rules, and every further bus would cost every wake a little.
        self.settings = Settings(
            flock=FLOCK, bucket=FLOCK, bus=FLOCK, runners=offered_runners(), agents_per_bus=MAX_CONCURRENCY
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            await self._start(parts)
            self._parts = parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def _start(self, parts: AsyncExitStack) -> None:
        self.home.take()
        parts.callback(self.home.release)
        clock = SystemClock()
        fleet = self._fleet = ProcessFleet(clock, self.home.logs, self.home.agents)
        parts.push_async_callback(self._endpoint.stop)
        parts.push_async_callback(fleet.close)  # the hosts, not the run: the next server carries it on
        await fleet.warm()
        await self._endpoint.start()
        fleet.environment = self._host_environment()
        adapters = open_adapters(self.settings, self._endpoint.environment)
        parts.callback(adapters.close)
        await provision(self.settings, adapters.clients)

        watch = SettleWatch(adapters.store, adapters.fabric)
        control = LocalControl(Lifecycle(self.settings.bucket, adapters.store, adapters.fabric, fleet, clock, watch))
        services = Services(
            settings=self.settings,
            store=adapters.store,
            fabric=adapters.fabric,
            control=control,
            clock=clock,
            tickets=MemoryTicketBook(clock),
            fleet=fleet,
            metrics=ProcessMetrics(),
            machines=ThisMachine(),
            limits=ONE_MACHINE,
        )
        gateway = Gateway(services, WEB, SqsInbox(adapters.clients, changes_queue(self.settings)))
        self.url = await gateway.start(self._port)
        parts.push_async_callback(gateway.stop)
        left = (await read_control(adapters.store)).control
        self.resumed = left.run if left.alive else ""
        control.start()
        parts.push_async_callback(control.stop)
        self._watching = asyncio.create_task(self._watch(adapters.clients), name="endpoint-watch")
        parts.callback(self._watching.cancel)
        leave_access(self.home.path, self._host_environment())
        parts.callback(take_access, self.home.path)
        self.home.announce(self.url, timestamp(clock.now()))

    def _host_environment(self) -> dict[str, str]:
        """What a host process is told. None of the user's own AWS settings reach it."""
        return {
            **self._endpoint.environment,
            "MURMUR_FLOCK": self.settings.flock,
            "MURMUR_BUCKET": self.settings.bucket,
            "MURMUR_BUS": self.settings.bus,
            "MURMUR_RUNNERS": ",".join(self.settings.runners),
            THINK: f"{self._think:g}",
        }

    async def _watch(self, clients: Clients) -> None:
        """If the endpoint dies, start it again on its address and make what it forgot; the tick wires the readers."""
        while True:
            status = await self._endpoint.wait()
            _log.warning("the embedded endpoint ended with status %d; it is started again", status)
            await self._endpoint.start()
            await provision(self.settings, clients)

    async def kill(self) -> None:
        """End every child at once. What was written stays."""
        if self._fleet:
            await self._fleet.kill()
        await self._endpoint.stop()
