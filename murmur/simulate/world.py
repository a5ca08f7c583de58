"""A flock in rough weather: the twins, the hosts, the lifecycle that dies, the operator, and the eyes that watch them all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Final

from agent.journal import ROLLING, Rolling
from functions.lifecycle import Lifecycle
from functions.lifecycle.lease import LeaseSign
from functions.lifecycle.settle import Memory, SettleWatch
from murmur import keys
from murmur.change import Change
from murmur.errors import MurmurError
from murmur.memory.fabric import MemoryFabric
from murmur.memory.publisher import MemoryTicketBook
from murmur.ports import LifecycleAction
from murmur.services import Services
from murmur.settings import Settings
from murmur.simulate.deletions import Deletions
from murmur.simulate.faults import FaultyFabric, FaultyStore, rough_carrier
from murmur.simulate.hosts import Life, RoughFleet, WeatheredFleet
from murmur.simulate.profile import Profile
from murmur.simulate.record import RecordingStore
from murmur.simulate.time import VirtualClock
from murmur.simulate.trouble import TroubledMind, TurnTaken
from murmur.simulate.truth import Truth
from murmur.simulate.watch import Watch
from murmur.simulate.weather import Process, Weather

BUCKET: Final = "flock"
LOOK_SECONDS: Final = 2.5
"""How often the eyes look; the lifecycle ticks after every second look, in calm weather after every fourth."""
COLD: Final = 0.3
"""Invocations of the lifecycle that remember nothing, of all."""
OPERATOR: Final = "operator"


class World:
    """Everything of one scenario. ``breaches`` is what was seen to go against an invariant."""

    def __init__(
        self,
        seed: int,
        profile: Profile,
        think_seconds: float,
        *,
        rolling: Rolling = ROLLING,
        parrot: int | None = None,
    ) -> None:
        """``parrot``: an agent that says the same in every turn; None for no such agent."""
        self.random = Random(seed)
        self.clock = VirtualClock()
        self.weather = Weather(profile, Random(self.random.getrandbits(64)), self.clock)
        self.breaches: list[str] = []
        self.store = RecordingStore(self.clock)
        self.truth = Truth(self.store)
        self.fabric = MemoryFabric(self.store, bucket=BUCKET, clock=self.clock, carrier=rough_carrier(self.weather))
        self.turns: list[TurnTaken] = []
        self._think = think_seconds
        self._parrot = parrot
        self._lease = LeaseSign()
        self._memory = Memory()
        self.fleet = RoughFleet(
            store=self.store,
            fabric=self.fabric,
            weather=self.weather,
            random=Random(self.random.getrandbits(64)),
            mind=self._mind,
            acknowledging=Deletions(self.store, self.truth, self.breach).check,
            rolling=rolling,
        )
        self.watch = Watch(
            truth=self.truth,
            weather=self.weather,
            turns=self.turns,
            fleet=self.fleet,
            fabric=self.fabric,
            breach=self.breach,
        )
        self.store.listeners.append(self._on_change)
        self._acts: set[asyncio.Task[None]] = set()
        operator = Process(OPERATOR)
        self.operator_store = FaultyStore(self.store, self.weather, operator)
        self.services = self._services(operator)

    def breach(self, invariant: str, what: str) -> None:
        """Write down what went against an invariant."""
        self.breaches.append(f"{invariant} at {self.clock.monotonic():.1f} s: {what}")

    def _services(self, operator: Process) -> Services:
        return Services(
            settings=Settings(flock="flock", bucket=BUCKET),
            store=self.operator_store,
            fabric=FaultyFabric(self.fabric, self.weather, operator),
            control=self,
            clock=self.clock,
            tickets=MemoryTicketBook(self.clock),
        )

    def _mind(self, life: Life) -> TroubledMind:
        random = Random(self.random.getrandbits(64))
        return TroubledMind(
            life=life,
            weather=self.weather,
            random=random,
            think=self._think,
            turns=self.turns,
            begins=self.watch.turn_begins,
            parrot=life.agent == self._parrot,
        )

    async def request(self, action: LifecycleAction, run: str) -> None:
        """See ``Control.request``: at least once, soon."""
        twice = self.weather.strikes(0.1 if self.weather.rough else 0.0)
        for _ in range(2 if twice else 1):
            delay = self.random.uniform(0.05, 1.0)
            self._spawn(self._later(delay, action, run))

    async def _later(self, delay: float, action: LifecycleAction, run: str) -> None:
        await asyncio.sleep(delay)
        for _ in range(3):  # an asynchronous invocation is tried three times
            if await self.act(action, run):
                return
            await asyncio.sleep(self.random.uniform(1.0, 5.0))

    async def act(self, action: LifecycleAction, run: str) -> bool:
        """One invocation of the lifecycle, which may die of it; False if it did not come to its end."""
        process = Process(f"lifecycle-{len(self._acts)}")
        if self.weather.strikes(self.weather.profile.lifecycle_dies):
            process.doom = self.random.randint(1, 60)
        store = FaultyStore(self.store, self.weather, process, "lifecycle")
        fabric = FaultyFabric(self.fabric, self.weather, process)
        fleet = WeatheredFleet(self.fleet, store, self.weather, process)
        if self.random.random() < COLD:
            self._memory = Memory()
        settle = SettleWatch(store, fabric, self._memory)
        lifecycle = Lifecycle(BUCKET, store, fabric, fleet, self.clock, settle, self._lease)
        work = asyncio.ensure_future(lifecycle.act(action, run))
        process.tasks.append(work)
        try:
            await asyncio.wait({work})
        finally:
            work.cancel()
        if work.cancelled():
            return False
        error = work.exception()
        if error is not None and not isinstance(error, MurmurError):
            raise error
        return error is None

    async def tick(self) -> None:
        """The regular look."""
        before = self.watch.quiet()
        through = await self.act("tick", self.truth.control().run)
        self.watch.ticked(before, through=through)

    async def pass_time(self, seconds: float, *, ticks: bool = True) -> None:
        """Let time go by: ticks, and eyes that look all the while."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            for _ in range(2 if self.weather.rough else 4):
                await asyncio.sleep(LOOK_SECONDS)
                self.watch.look()
            if ticks and self.truth.control().run:
                await self.tick()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    def _on_change(self, change: Change) -> None:
        if self.store.writer == OPERATOR:
            self.watch.operator_wrote()
        if change.key.startswith(keys.OUTPUT):
            self.watch.output_written(self.store.writer)
        if change.key == keys.CONTROL:
            self.watch.on_control()

    async def end(self) -> None:
        """End every task of this world."""
        self.fleet.end_everything()
        for task in list(self._acts):
            task.cancel()
        await asyncio.gather(*self._acts, return_exceptions=True)
        await self.fleet.gone()
