"""Hosts as tasks: each runs its agents' loops, and can be made to die."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from agent.loop import AgentLoop
from agent.ports import Mind
from murmur.ports import Clock, Fabric, HostInfo, Store
from murmur.roster import read_roster

MindMaker = Callable[[int], Mind]


class TaskFleet:
    """A Fleet whose hosts are asyncio tasks of this process."""

    def __init__(self, store: Store, fabric: Fabric, clock: Clock, random: Random, minds: MindMaker) -> None:
        self._store = store
        self._fabric = fabric
        self._clock = clock
        self._random = random
        self._minds = minds
        self._hosts: dict[str, HostInfo] = {}
        self._tasks: dict[str, list[asyncio.Task[str]]] = {}
        self.loops: dict[int, AgentLoop] = {}
        self._count = 0

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        """See ``Fleet.launch``."""
        roster = await read_roster(self._store)
        if roster is None:
            return []
        for name in names:
            if self._alive(name):
                continue
            self._count += 1
            self._hosts[name] = HostInfo(f"task-{self._count}", name, "running", self._clock.now())
            self._tasks[name] = [self._begin(run, agent, roster.size, name) for agent in roster.hosts[name]]
        return [self._hosts[name] for name in names]

    def _begin(self, run: str, agent: int, size: int, host: str) -> asyncio.Task[str]:
        loop = AgentLoop(
            store=self._store,
            inbox=self._fabric.inbox(run, agent),
            clock=self._clock,
            random=Random(self._random.getrandbits(64)),
            mind=self._minds(agent),
            agent=agent,
            size=size,
            run=run,
            host=host,
        )
        self.loops[agent] = loop
        return asyncio.create_task(loop.run(), name=f"agent-{agent}")

    def _alive(self, name: str) -> bool:
        return any(not task.done() for task in self._tasks.get(name, []))

    async def hosts(self, run: str) -> list[HostInfo]:
        """See ``Fleet.hosts``."""
        return [
            info if self._alive(name) else HostInfo(info.host, name, "gone", info.launched, "ended")
            for name, info in sorted(self._hosts.items())
        ]

    async def terminate(self, run: str) -> None:
        """See ``Fleet.terminate``."""
        tasks = [task for group in self._tasks.values() for task in group if not task.done()]
        for loop in self.loops.values():
            loop.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=30.0)
        for task in tasks:
            task.cancel()
        self._tasks.clear()
        self._hosts.clear()

    async def kill(self, name: str) -> None:
        """End a host as a power cut would: no farewell."""
        tasks = self._tasks.get(name, [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
