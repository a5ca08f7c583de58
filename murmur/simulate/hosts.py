"""Hosts in rough weather: each may die at any of its requests, or be thought dead and go on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from agent.journal import ROLLING, Rolling
from agent.keeper import keep_alive
from agent.lease import Lease, Over
from agent.loop import ASKED, AgentLoop
from agent.ports import Mind
from agent.reader import SharedReader
from murmur.memory.fabric import MemoryFabric
from murmur.memory.inbox import MemoryInbox
from murmur.ports import HostInfo, Message
from murmur.roster import Roster
from murmur.simulate.faults import FaultyFabric, FaultyStore
from murmur.simulate.record import RecordingStore
from murmur.simulate.weather import Process, ProcessClock, Remote, Weather

Acknowledging = Callable[["Life", MemoryInbox, Sequence[Message]], None]


@dataclass(slots=True, eq=False)
class Life:
    """One incarnation of an agent: from the making of its loop until that ends."""

    run: str
    agent: int
    number: int
    process: Process
    store: FaultyStore
    loop: AgentLoop | None = None
    turning: bool = False
    """Whether its mind is at work."""
    ended: str = ""

    @property
    def name(self) -> str:
        """Unique in its world."""
        return f"{self.run}/agent-{self.agent}#{self.number}"


@dataclass(slots=True, eq=False)
class _Host:
    info: HostInfo
    process: Process
    agents: list[asyncio.Task[object]] = field(default_factory=list)
    lease: asyncio.Task[None] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alive(self) -> bool:
        return any(not task.done() for task in self.agents)


class RoughFleet:
    """A Fleet of tasks that can be killed at any request, or lost sight of."""

    def __init__(
        self,
        *,
        store: RecordingStore,
        fabric: MemoryFabric,
        weather: Weather,
        random: Random,
        mind: Callable[[Life], Mind],
        acknowledging: Acknowledging,
        rolling: Rolling = ROLLING,
    ) -> None:
        self._store = store
        self._fabric = fabric
        self._weather = weather
        self._random = random
        self._mind = mind
        self._acknowledging = acknowledging
        self._hosts: dict[tuple[str, str], _Host] = {}
        self._lost: list[_Host] = []
        self._count = 0
        self._rolling = rolling
        self.lives: list[Life] = []
        self.launches: Counter[tuple[str, str]] = Counter()
        """How often each place of each run was filled."""
        self.cursed = ""
        """A place whose hosts all die soon."""

    # -- the port, without weather: WeatheredFleet adds it ------------------------------------------------------------

    def launch(self, roster: Roster, name: str) -> HostInfo:
        """Start the host unless it is alive."""
        place = (roster.run, name)
        there = self._hosts.get(place)
        if there is not None and there.alive:
            return there.info
        self._count += 1
        skew = self._weather.profile.skew_seconds
        process = Process(f"{name}@{self._count}", timedelta(seconds=self._random.uniform(-skew, skew)))
        self.launches[place] += 1
        if name == self.cursed:
            process.doom = self._random.randint(1, 80)
        info = HostInfo(process.name, name, "running", self._weather.clock.now())
        host = self._hosts[place] = _Host(info, process)
        reader = SharedReader(FaultyStore(self._store, self._weather, process))
        for agent in roster.hosts[name]:
            task: asyncio.Task[object] = asyncio.create_task(self._keep(host, roster, agent, reader))
            host.agents.append(task)
            process.tasks.append(task)
        self._watch_lease(host, roster)
        return info

    def _watch_lease(self, host: _Host, roster: Roster) -> None:
        """As agent/host.py does."""
        store, clock = FaultyStore(self._store, self._weather, host.process), self._weather.clock
        lease = Lease(store, ProcessClock(clock, host.process), roster.run, roster.config.leaseMinutes)
        host.lease = asyncio.create_task(lease.watch(lambda over: self._stop(host, over)))
        host.process.tasks.append(host.lease)

    def _stop(self, host: _Host, over: Over = ASKED) -> None:
        host.stopping.set()
        for life in self.lives:
            if life.process is host.process and life.loop is not None:
                life.loop.stop(over)

    def seen(self, run: str) -> list[HostInfo]:
        """What a description of the instances would say."""
        found = sorted((h for (of, _), h in self._hosts.items() if of == run), key=lambda h: h.info.name)
        return [
            h.info if h.alive else HostInfo(h.info.host, h.info.name, "gone", h.info.launched, "ended") for h in found
        ]

    async def end(self, run: str) -> None:
        """Ask the hosts to stop, and end those that do not. Lost ones are out of reach."""
        mine = [self._hosts.pop(place) for place in list(self._hosts) if place[0] == run]
        tasks = [task for host in mine for task in host.agents if not task.done()]
        for host in mine:
            self._stop(host)
        if tasks:
            await asyncio.wait(tasks, timeout=30.0)
        for host in mine:
            host.process.die()

    async def _keep(self, host: _Host, roster: Roster, agent: int, reader: SharedReader) -> None:
        made: list[Life] = []

        def make() -> AgentLoop:
            if made:
                made[-1].ended = "broke"
            made.append(self._life(host, roster, agent, reader))
            loop = made[-1].loop
            assert loop is not None  # noqa: S101 - _life has just set it
            return loop

        try:
            why = await keep_alive(agent, make, host.stopping)
            made[-1].ended = why
        finally:
            if made and not made[-1].ended:
                made[-1].ended = "died"

    def _life(self, host: _Host, roster: Roster, agent: int, reader: SharedReader) -> Life:
        process = host.process
        number = sum(life.agent == agent for life in self.lives)
        name = f"{roster.run}/agent-{agent}#{number}"
        life = Life(roster.run, agent, number, process, FaultyStore(self._store, self._weather, process, name))
        fabric = FaultyFabric(
            self._fabric, self._weather, process, lambda inbox, messages: self._acknowledging(life, inbox, messages)
        )
        life.loop = AgentLoop(
            store=life.store,
            reader=reader,
            inbox=fabric.inbox(roster.run, agent),
            clock=ProcessClock(self._weather.clock, process),
            random=Random(self._random.getrandbits(64)),
            mind=self._mind(life),
            agent=agent,
            size=roster.size,
            run=roster.run,
            host=host.info.name,
            rolling=self._rolling,
        )
        self.lives.append(life)
        return life

    # -- what befalls hosts -------------------------------------------------------------------------------------------

    def victim(self) -> Process | None:
        """A host that is alive, by lot; None if there is none."""
        alive = [host.process for host in self._hosts.values() if host.alive and not host.process.dead]
        return self._random.choice(alive) if alive else None

    def lose(self, process: Process) -> None:
        """Think the host dead although it goes on: from now on another may be started in its place."""
        for place, host in list(self._hosts.items()):
            if host.process is process:
                self._lost.append(self._hosts.pop(place))

    def given_up(self, roster: Roster) -> set[str]:
        """Places that are empty, and were to be filled as often as a place may be."""
        alive = {info.name for info in self.seen(roster.run) if info.state == "running"}
        return {name for name, times in roster.launches.items() if times >= 6 and name not in alive}

    def known(self, process: Process) -> bool:
        """Whether the fleet still sees this host."""
        return any(host.process is process for host in self._hosts.values())

    def end_everything(self) -> None:
        """The world ends."""
        for host in [*self._hosts.values(), *self._lost]:
            host.process.die()

    async def gone(self) -> None:
        """Wait until every task has ended, after ``end_everything``."""
        hosts = [*self._hosts.values(), *self._lost]
        tasks = [task for host in hosts for task in (*host.agents, host.lease) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)


class WeatheredFleet(Remote):
    """The Fleet port as one process of the lifecycle knows it."""

    def __init__(self, fleet: RoughFleet, store: FaultyStore, weather: Weather, process: Process) -> None:
        super().__init__(weather, process)
        self._fleet = fleet
        self._store = store

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        """See ``Fleet.launch``."""
        body = (await self._store.get("roster.json")).body
        roster = Roster.model_validate_json(body)
        found: list[HostInfo] = []
        for name in names if roster.run == run else ():

            async def effect(name: str = name) -> HostInfo:
                return self._fleet.launch(roster, name)

            found.append(await self._ask("launch", effect))
        return found

    async def hosts(self, run: str) -> list[HostInfo]:
        """See ``Fleet.hosts``."""

        async def effect() -> list[HostInfo]:
            return self._fleet.seen(run)

        return await self._ask("hosts", effect)

    async def terminate(self, run: str) -> None:
        """See ``Fleet.terminate``."""
        await self._ask("terminate", lambda: self._fleet.end(run))
