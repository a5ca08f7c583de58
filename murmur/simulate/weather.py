"""What happens to a request on its way: time passes, answers get lost, processes die or stand still in the midst of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeVar

from murmur.errors import MurmurError, Unavailable
from murmur.ports import Clock
from murmur.simulate.profile import CALM, LATE_SECONDS, Profile

_T = TypeVar("_T")
ROUGH_SHARE: Final = 0.6
CALM_SHARE: Final = 0.2
"""Ways that take time at all, of all: the others only let everybody else have their turn, which costs a tenth to simulate."""


@dataclass(slots=True, eq=False)
class Process:
    """Something that can die at any of its requests, or stand still."""

    name: str
    skew: timedelta = timedelta()
    dead: bool = False
    frozen_until: float = 0.0
    doom: int = 0
    """Points at which a request begins or returns, until the process dies; 0: it lives."""
    doom_at: str = ""
    """A label of a point at which it dies; empty: none."""
    tasks: list[asyncio.Task[object]] = field(default_factory=list)

    def die(self) -> None:
        """End as by a power cut: whatever it is doing stops where it stands, and nothing of it reaches the world any more."""
        self.dead = True
        for task in self.tasks:
            task.cancel()

    def point(self, label: str) -> None:
        """A place in a request at which a process may die."""
        if self.doom:
            self.doom -= 1
            if not self.doom:
                self.die()
        if self.doom_at and self.doom_at == label:
            self.die()
        if self.dead:
            raise asyncio.CancelledError(f"{self.name} is dead")


class Weather:
    """Faults of one world. ``clear()`` ends them: from then on requests take a little time, and that is all."""

    def __init__(self, profile: Profile, random: Random, clock: Clock) -> None:
        self.profile = profile
        self.random = random
        self.clock = clock
        self.outage_until = 0.0
        self._landing: set[asyncio.Task[None]] = set()
        self.cleared_at = float("-inf") if profile is CALM else float("inf")

    def clear(self) -> None:
        """No more faults."""
        self.profile = CALM
        self.outage_until = 0.0
        self.cleared_at = self.clock.monotonic()

    @property
    def rough(self) -> bool:
        """Whether faults happen."""
        return self.profile is not CALM

    def strikes(self, rate: float) -> bool:
        """Whether a fault of this rate happens now."""
        return rate > 0 and self.random.random() < rate

    def stills(self, process: Process) -> bool:
        """Whether ``process`` can do nothing just now: it is dead, stands still, or nobody answers it."""
        return process.dead or max(process.frozen_until, self.outage_until) > self.clock.monotonic()

    async def carry(self, process: Process, label: str, effect: Callable[[], Awaitable[_T]]) -> _T:
        """A request of ``process``: there, ``effect``, and back. Raises Unavailable where nobody answers."""
        process.point(f"before {label}")
        await self._travel(process)
        process.point("")
        if self._silent():
            raise _silence(label)
        result = await effect()
        process.point(f"after {label}")
        if self.rough:
            await self._travel(process)
            process.point("")
            if self._silent():
                raise _silence(label)
        return result

    async def lag(self, process: Process, label: str, effect: Callable[[], Awaitable[_T]]) -> _T:
        """A write that lands only after its process has given it up, or has died. Always raises Unavailable."""
        process.point(f"before {label}")
        await self._travel(process)
        process.point("")
        landing = asyncio.ensure_future(self._land(self.random.uniform(0.5, LATE_SECONDS), effect))
        self._landing.add(landing)
        landing.add_done_callback(self._landing.discard)
        await self._travel(process)
        process.point(f"after {label}")
        raise _silence(label)

    async def _land(self, seconds: float, effect: Callable[[], Awaitable[object]]) -> None:
        await asyncio.sleep(seconds)
        with contextlib.suppress(MurmurError):  # nobody waits for the answer
            await effect()

    async def _travel(self, process: Process) -> None:
        stands = process.frozen_until - self.clock.monotonic()
        if stands > 0:
            await asyncio.sleep(stands)
        elif self.random.random() < (ROUGH_SHARE if self.rough else CALM_SHARE):
            await asyncio.sleep(self.random.expovariate(1 / self.profile.latency_seconds))
        else:
            await asyncio.sleep(0)

    def _silent(self) -> bool:
        return self.clock.monotonic() < self.outage_until or self.strikes(self.profile.unavailable / 2)


def _silence(label: str) -> Unavailable:
    return Unavailable(f"Nobody answered ({label}).", "Try again.")


class Remote:
    """Something of the world as ``process`` reaches it: through the weather."""

    def __init__(self, weather: Weather, process: Process) -> None:
        self._weather = weather
        self._process = process

    async def _ask(self, label: str, effect: Callable[[], Awaitable[_T]]) -> _T:
        """One request. Raises Unavailable where nobody answers."""
        return await self._weather.carry(self._process, label, effect)


class ProcessClock:
    """The clock of a host: wrong by its skew."""

    def __init__(self, clock: Clock, process: Process) -> None:
        self._clock = clock
        self._process = process

    def now(self) -> datetime:
        """UTC, as this host believes."""
        return self._clock.now() + self._process.skew

    def monotonic(self) -> float:
        """Virtual seconds."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self._clock.sleep(seconds)
