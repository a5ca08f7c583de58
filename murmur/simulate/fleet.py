"""Hosts as tasks: each runs its agents' loops, and can be made to die."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from agent.loop import AgentLoop
from agent.ports import Mind
from agent.reader import SharedReader
from murmur.ports import Clock, Fabric, HostInfo, Store
from murmur.roster import read_roster

MindMaker = Callable[[int], Mind]
GRACE_SECONDS: Final = 30.0


class TaskFleet:
    """A Fleet whose hosts are asyncio tasks of this process."""

    def __init__(
        self,
        store: Store,
        fabric: Fabric,
        clock: Clock,
        random: Random,
        minds: MindMaker,
        *,
        life: type[AgentLoop] = AgentLoop,
        reader: type[SharedReader] = SharedReader,
    ) -> None:
        self._life = life
        self._reader = reader
        self._store = store
        self._fabric = fabric
        self._clock = clock
        self._minds = minds
        self._hosts: dict[tuple[str, str], HostInfo] = {}
        self._tasks: dict[tuple[str, str], list[asyncio.Task[str]]] = {}
        self._random = random
        self.loops: dict[int, AgentLoop] = {}
        self._count = 0

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        """See ``Fleet.launch``."""
        roster = await read_roster(self._store)
        if roster is None or roster.run != run:
            return []
        for name in names:
            if self._alive(run, name):
                continue
            self._count += 1
            self._hosts[run, name] = HostInfo(f"task-{self._count}", name, "running", self._clock.now())
            reader = self._reader(self._store)
            agents = roster.hosts[name]
            self._tasks[run, name] = [self._begin(run, agent, roster.size, name, reader) for agent in agents]
        return [self._hosts[run, name] for name in names]

    def _begin(self, run: str, agent: int, size: int, host: str, reader: SharedReader) -> asyncio.Task[str]:
        loop = self._life(
            store=self._store,
            reader=reader,
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

    def _alive(self, run: str, name: str) -> bool:
        return any(not task.done() for task in self._tasks.get((run, name), []))

    async def hosts(self, run: str) -> list[HostInfo]:
        """See ``Fleet.hosts``."""
        mine = sorted((info for (of, _), info in self._hosts.items() if of == run), key=lambda info: info.name)
        return [i if self._alive(run, i.name) else replace(i, state="gone", detail="ended") for i in mine]

    async def terminate(self, run: str) -> None:
        """See ``Fleet.terminate``."""
        places = [place for place in self._tasks if place[0] == run]
        tasks = [task for place in places for task in self._tasks.pop(place) if not task.done()]
        for loop in self.loops.values():
            loop.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for task in tasks:
            task.cancel()
        for place in places:
            self._hosts.pop(place)

    async def kill(self, run: str, name: str) -> None:
        """End a host as a power cut would: no farewell."""
        tasks = self._tasks.get((run, name), [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
