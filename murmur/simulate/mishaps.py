"""What befalls a flock in a comparison beside its events: minds that fail their turns, and hosts that die. The rates are the Profile's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

from agent.ports import Mind, TurnOutcome
from agent.runner.limits import Limits
from agent.tools.desk import Desk
from murmur.roster import read_roster
from murmur.simulate.flock import SimulatedFlock
from murmur.simulate.weather import Weather

MOST_CRASHES: Final = 3
"""A host that died this often is spared, so that the lifecycle's own limit is not what ends the run."""
SILENCE_SECONDS: Final = Limits().idle_seconds
"""After this long the runner gives up on a mind that hangs."""
FAILINGS: Final[Mapping[str, TurnOutcome]] = {
    "hangs": TurnOutcome("stalled", detail=f"silent for {SILENCE_SECONDS:g} s"),
    "refuses": TurnOutcome("refusal", detail="the model declined"),
    "is rate-limited": TurnOutcome("error", detail="429", rate_limited=True, retry_after_seconds=5.0),
    "says nothing": TurnOutcome("end_turn"),
    "dies": TurnOutcome("died", detail="the process ended"),
}


class Unwell:
    """A Mind (agent/ports.py) that now and then fails a turn instead of doing it, as ``Profile.bad_turn`` says."""

    scripted = True

    def __init__(self, mind: Mind, weather: Weather, think_seconds: float) -> None:
        self._mind = mind
        self._weather = weather
        self._think_seconds = think_seconds

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        """See ``Mind.run``."""
        if not self._weather.strikes(self._weather.profile.bad_turn):
            return await self._mind.run(desk, prompt, timeout_seconds)
        desk.listed.set()
        failing = self._weather.random.choice(tuple(FAILINGS))
        seconds = SILENCE_SECONDS if failing == "hangs" else self._think_seconds
        await asyncio.sleep(min(seconds, timeout_seconds))
        return FAILINGS[failing]

    async def close(self) -> None:
        """See ``Mind.close``."""
        await self._mind.close()


class Crashes:
    """Hosts of one flock that die, as by a power cut. The lifecycle starts them again at its next look."""

    def __init__(self, flock: SimulatedFlock, weather: Weather) -> None:
        self._flock = flock
        self._weather = weather
        self._by_host: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many there were."""
        return self._by_host.total()

    async def go_on(self) -> None:
        """Until cancelled; where the profile has none, nothing."""
        rate = self._weather.profile.crashes_per_minute / 60
        roster = await read_roster(self._flock.store)
        while rate > 0 and roster is not None:
            await asyncio.sleep(self._weather.random.expovariate(rate))
            names = [name for name in roster.hosts if self._by_host[name] < MOST_CRASHES]
            if not names:
                return
            name = self._weather.random.choice(names)
            self._by_host[name] += 1
            await self._flock.fleet.kill(self._flock.run, name)
