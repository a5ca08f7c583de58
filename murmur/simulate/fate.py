"""What befalls the hosts of a simulated world: nobody answers, hosts die in the midst of a request, stand still, or are thought dead."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from murmur.simulate.weather import Process
from murmur.simulate.world import World

MOST_LAUNCHES: Final = 3
"""Hosts that were started this often are spared, so that the lifecycle's own limit is not what ends the run."""
_STEP_SECONDS: Final = 2.0


class Fate:
    """Strikes as often as the world's profile says."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self.strokes = 0
        """How often it struck."""

    async def go_on(self) -> None:
        """Until cancelled."""
        world, random = self._world, self._random
        profile = world.weather.profile
        while True:
            await asyncio.sleep(_STEP_SECONDS * random.uniform(0.5, 1.5))
            if random.random() < profile.outages_per_minute * _STEP_SECONDS / 60:
                self.outage(random.uniform(1.0, 15.0))
            if random.random() < profile.crashes_per_minute * _STEP_SECONDS / 60:
                self._crash()
            if random.random() < profile.zombies_per_minute * _STEP_SECONDS / 60:
                self._estrange()

    def outage(self, seconds: float) -> None:
        """Nobody answers for so long."""
        self.strokes += 1
        self._world.weather.outage_until = self._world.clock.monotonic() + seconds

    def victim(self) -> Process | None:
        """A host to strike, by lot; None if there is none that may be struck."""
        process = self._world.fleet.victim()
        roster = self._world.truth.roster()
        if process is None or roster is None:
            return None
        tried = roster.launches.get(process.name.partition("@")[0], 0) >= MOST_LAUNCHES
        return None if tried else process

    def freeze(self, process: Process, seconds: float) -> None:
        """The host stands still for so long."""
        process.frozen_until = self._world.clock.monotonic() + seconds

    def _crash(self) -> None:
        process = self.victim()
        if process is None:
            return
        self.strokes += 1
        if self._random.random() < 0.5:
            process.doom = self._random.randint(1, 60)
        else:
            process.doom_at = self._random.choice(
                ("before append", "after append", "before acknowledge", "after acknowledge")
            )

    def _estrange(self) -> None:
        process = self.victim()
        if process is None:
            return
        self.strokes += 1
        if self._random.random() < 0.6:
            self.freeze(process, self._random.uniform(1.0, 90.0))
        if self._random.random() < 0.8:
            self._world.fleet.lose(process)
