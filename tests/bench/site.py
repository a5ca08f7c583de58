"""An embedded endpoint with a flock's bucket, bus and readers on it, for the benchmarks."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from agent.loop import AgentLoop
from agent.ports import Mind
from agent.reader import SharedReader
from murmur import keys
from murmur.aws.adapters import Adapters, open_adapters
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.entry import timestamp
from murmur.local.endpoint import Endpoint
from murmur.local.provision import provision
from murmur.pattern import wiring_for
from murmur.settings import Settings
from tests.bench.still import Still

RUN: Final = "20260101T000000Z"
FIRST_TURNS_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Site:
    """What a benchmark works on."""

    settings: Settings
    adapters: Adapters
    endpoint: Endpoint
    config: FlockConfig
    reader: SharedReader

    def loop(self, agent: int, mind: Mind | None = None, life: type[AgentLoop] = AgentLoop) -> AgentLoop:
        """The agent's loop; with a mind that does nothing if none is given."""
        return life(
            store=self.adapters.store,
            reader=self.reader,
            inbox=self.adapters.fabric.inbox(RUN, agent),
            clock=SystemClock(),
            random=Random(agent),
            mind=mind or Still(),
            agent=agent,
            size=self.config.concurrency,
            run=RUN,
            host="bench",
        )


@asynccontextmanager
async def site(agents: int, *, direction: str = "stand still", **config: object) -> AsyncIterator[Site]:
    """Start the endpoint, wire a ring of ``agents``, and say that its run is on."""
    settings = Settings(flock="bench", bucket="bench", bus="bench")
    made = FlockConfig.parse({"concurrency": agents, "staggerSeconds": 0.0, "minTurnGapSeconds": 0.0, **config})
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as home:
        endpoint = Endpoint(Path(home))
        await endpoint.start()
        adapters = open_adapters(settings, endpoint.environment)
        try:
            await provision(settings, adapters.clients)
            for agent in range(agents):
                await adapters.fabric.wire(RUN, agent, wiring_for("bench", made, agent))
            await adapters.store.put(keys.CONFIG, made.to_json())
            await adapters.store.put(keys.DIRECTION, direction.encode())
            control = Control(state="running", run=RUN, started=timestamp(SystemClock().now()))
            await adapters.store.put(
                keys.CONTROL, control.to_json()
            )  # the queues carry it to every agent, as at a start
            yield Site(settings, adapters, endpoint, made, SharedReader(adapters.store))
        finally:
            adapters.close()
            await endpoint.stop()


async def all_idle(loops: list[AgentLoop]) -> None:
    """Wait until every loop has had its first turn, and its queue has fallen silent. Raises TimeoutError."""
    async with asyncio.timeout(FIRST_TURNS_SECONDS):
        while any(loop.state.iteration < 0 for loop in loops):
            await asyncio.sleep(0.2)
    await asyncio.sleep(2.0)


async def ended(loops: list[AgentLoop], tasks: list[asyncio.Task[str]]) -> None:
    """Stop the loops, and wait until they have ended. What one of them ended of is raised."""
    for loop in loops:
        loop.stop()
    done, pending = await asyncio.wait(tasks, timeout=30)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()
