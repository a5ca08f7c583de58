"""A whole flock in one process, on the twins: the operator's hand, the lifecycle, the fleet and the agents."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from agent.loop import AgentLoop
from agent.reader import SharedReader
from functions.lifecycle import Lifecycle
from functions.lifecycle.settle import SettleWatch
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import Control, read_control, write_control
from murmur.entry import LogEntry, parse_log, timestamp
from murmur.errors import ObjectMissing
from murmur.memory.fabric import Carrier, MemoryFabric, at_once
from murmur.memory.store import MemoryStore
from murmur.ports import Clock
from murmur.simulate.fleet import MindMaker, TaskFleet

TICK_SECONDS: Final = 1.0
BUCKET: Final = "flock"


class SimulatedFlock:
    """The twins wired together. ``carrier`` is how events travel; ``minds`` makes what thinks for each agent; ``life`` and ``reader`` how it lives and reads."""

    def __init__(
        self,
        config: FlockConfig,
        minds: MindMaker,
        clock: Clock,
        seed: int,
        carrier: Carrier = at_once,
        *,
        life: type[AgentLoop] = AgentLoop,
        reader: type[SharedReader] = SharedReader,
    ) -> None:
        self.config = config
        self.clock = clock
        self.random = Random(seed)
        self.store = MemoryStore(clock)
        self.fabric = MemoryFabric(self.store, bucket=BUCKET, clock=clock, carrier=carrier)
        self.fleet = TaskFleet(self.store, self.fabric, clock, self.random, minds, life=life, reader=reader)
        watch = SettleWatch(self.store, self.fabric)
        self.lifecycle = Lifecycle(BUCKET, self.store, self.fabric, self.fleet, clock, watch)
        self.run = ""

    async def start(self, direction: str, run: str = "20260101T000000Z") -> None:
        """What POST /cluster/start does, and the lifecycle behind it."""
        self.run = run
        await self.store.put(keys.CONFIG, self.config.to_json())
        await self.store.put(keys.DIRECTION, direction.encode())
        read = await read_control(self.store)
        now = timestamp(self.clock.now())
        begun = read.control.to("starting", "", now).model_copy(update={"run": run, "started": now, "resumes": 0})
        await write_control(self.store, read, begun)
        await self.lifecycle.start(run)

    async def change(self, **fields: object) -> Control:
        """Change the control document as the operator's pause, resume and stop do."""
        read = await read_control(self.store)
        written = await write_control(self.store, read, read.control.model_copy(update=fields))
        return written.control

    async def state(self) -> str:
        """The flock's state."""
        return (await read_control(self.store)).control.state

    async def until(self, *states: str, within_seconds: float) -> str:
        """Tick until the flock is in one of ``states`` or the time is over; returns the state."""
        end = self.clock.monotonic() + within_seconds
        while (state := await self.state()) not in states and self.clock.monotonic() < end:
            await asyncio.sleep(TICK_SECONDS)
            await self.lifecycle.tick(self.run)
        return state

    async def stop(self) -> None:
        """Stop the flock, as POST /cluster/stop does."""
        await self.change(state="stopping", reason="asked to", since=timestamp(self.clock.now()))
        await self.lifecycle.stop(self.run)

    async def log(self, agent: int) -> tuple[LogEntry, ...]:
        """The agent's log; empty before its first entry."""
        try:
            return parse_log((await self.store.get(keys.log(agent))).body).entries
        except ObjectMissing:
            return ()
