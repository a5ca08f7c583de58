"""An embedded endpoint with a flock's bucket, bus and readers on it, for the benchmarks."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from agent.loop import AgentLoop
from agent.reader import SharedReader
from murmur import keys
from murmur.aws.adapters import Adapters, open_adapters
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.local.endpoint import Endpoint
from murmur.local.provision import provision
from murmur.pattern import wiring_for
from murmur.settings import Settings
from tests.bench.still import Still

RUN = "20260101T000000Z"


@dataclass(frozen=True, slots=True)
class Site:
    """What a benchmark works on."""

    adapters: Adapters
    endpoint: Endpoint
    config: FlockConfig
    reader: SharedReader

    def loop(self, agent: int) -> AgentLoop:
        """The agent's loop, with a mind that does nothing."""
        return AgentLoop(
            store=self.adapters.store,
            reader=self.reader,
            inbox=self.adapters.fabric.inbox(RUN, agent),
            clock=SystemClock(),
            random=Random(agent),
            mind=Still(),
            agent=agent,
            size=self.config.concurrency,
            run=RUN,
            host="bench",
        )


@asynccontextmanager
async def site(agents: int, **config: object) -> AsyncIterator[Site]:
    """Start the endpoint, wire a ring of ``agents``, and say that its run is on."""
    settings = Settings(flock="bench", bucket="bench", bus="bench")
    made = FlockConfig.parse({"concurrency": agents, "staggerSeconds": 0.0, "minTurnGapSeconds": 0.0, **config})
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as home:
        endpoint = Endpoint(Path(home))
        await endpoint.start()
        adapters = open_adapters(settings, endpoint.environment)
        try:
            await provision(settings, adapters.clients)
            await adapters.store.put(keys.CONFIG, made.to_json())
            await adapters.store.put(keys.DIRECTION, b"stand still")
            control = Control(state="running", run=RUN)
            await adapters.store.put(keys.CONTROL, control.model_dump_json().encode())
            for agent in range(agents):
                await adapters.fabric.wire(RUN, agent, wiring_for("bench", made, agent))
            yield Site(adapters, endpoint, made, SharedReader(adapters.store))
        finally:
            adapters.close()
            await endpoint.stop()


async def all_idle(loops: list[AgentLoop]) -> None:
    """Wait until every loop has had its first turn, and its queue has fallen silent."""
    while any(loop._journal.last is None for loop in loops):
        await asyncio.sleep(0.2)
    await asyncio.sleep(2.0)
