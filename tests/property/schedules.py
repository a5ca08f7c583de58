"""Schedules of faults that hypothesis draws, so that one that breaks an invariant shrinks to the few acts that matter.

A seed of ``murmur.simulate.scenario`` replays; it does not shrink. Here topology, rates and every act of the operator and of fate are
values: fewer acts, lower rates and a smaller ring are simpler, and hypothesis looks for the simplest that still breaks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields
from typing import Any

from hypothesis import strategies as st

from murmur.ring import ALGORITHMS
from murmur.simulate import time
from murmur.simulate.hush import hushed
from murmur.simulate.profile import Profile
from murmur.simulate.scenario import Verdict, _Scenario

OPERATOR = ("direction", "directive", "radius", "algorithm", "pause", "resume", "stop", "start")
FATE = ("outage", "crash", "crash before append", "crash after append", "crash after acknowledge", "freeze", "lose")
RATES = [field.name for field in fields(Profile) if field.name.startswith("event_")] + [
    "unavailable",
    "spurious_conflict",
    "redelivered",
    "bad_turn",
    "lifecycle_dies",
]


@dataclass(frozen=True)
class Act:
    """Something that befalls the flock ``after`` seconds after the act before. ``number`` says how, or how much."""

    after: float
    what: str
    number: int


@dataclass(frozen=True)
class Schedule:
    """A flock and what befalls it. ``noise`` seeds what is left to chance."""

    config: dict[str, Any]
    profile: Profile
    acts: tuple[Act, ...]
    noise: int = 0


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """A flock of up to nine, with limits that bite in some of them."""
    n = draw(st.integers(1, 9))
    return {
        "concurrency": n,
        "neighbourRadius": draw(st.integers(1, max(1, n // 2))),
        "algorithm": draw(st.sampled_from(tuple(ALGORITHMS))),
        "swarmK": draw(st.integers(1, 4)),
        "agentsPerInstance": draw(st.integers(1, 4)),
        "loopIntervalSeconds": draw(st.sampled_from((10.0, 20.0, 30.0))),
        "coalesceMilliseconds": draw(st.sampled_from((50, 0, 500))),
        "minTurnGapSeconds": draw(st.sampled_from((1.0, 0.0, 3.0))),
        "staggerSeconds": draw(st.sampled_from((5.0, 0.0, 60.0))),
        "turnTimeoutSeconds": 20.0,
        "maxTurnsPerAgent": draw(st.sampled_from((60, 5, 3))),
        "maxRunMinutes": draw(st.sampled_from((120.0, 120.0, 3.0))),
        "idleTimeoutSeconds": draw(st.sampled_from((3600.0, 3600.0, 15.0))),
        "outputNews": draw(st.booleans()),
    }


rates = st.sampled_from((0.0, 0.0, 0.02, 0.1, 0.4))
profiles = st.builds(
    Profile,
    name=st.just("drawn"),
    latency_seconds=st.sampled_from((0.02, 0.08)),
    delivery_seconds=st.sampled_from((0.8, 2.0)),
    skew_seconds=st.sampled_from((0.0, 1.0, 5.0)),
    **{
        name: rates.map(
            lambda rate, most=0.05 if name in ("unavailable", "spurious_conflict") else 0.4: min(rate, most)
        )
        for name in RATES
    },
)
acts = st.builds(
    Act,
    after=st.floats(0.0, 20.0).map(lambda seconds: round(seconds, 2)),
    what=st.sampled_from((*OPERATOR, *FATE)),
    number=st.integers(0, 60),
)
schedules = st.builds(
    Schedule,
    config=configs(),
    profile=profiles,
    acts=st.lists(acts, max_size=8).map(tuple),
    noise=st.integers(0, 1000),
)


def run(schedule: Schedule) -> Verdict:
    """Run it in virtual time and check every invariant."""
    with hushed():
        return time.run(_Drawn(schedule).run())


class _Drawn(_Scenario):
    """The scenario of the simulator, its lots replaced by what hypothesis drew."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        super().__init__(schedule.noise, schedule.profile)

    def _draw_config(self) -> dict[str, Any]:
        return dict(self.schedule.config)

    async def _strike(self) -> None:
        return

    async def _operate(self) -> None:
        for act in self.schedule.acts:
            await asyncio.sleep(act.after)
            if act.what in FATE:
                self._befall(act)
            else:
                await self._let_operator(act)

    async def _let_operator(self, act: Act) -> None:
        hand, size = self.hand, self.hand.size
        if act.what == "direction":
            await hand.direct(act.number % (2 * size + 1))
        elif act.what == "directive":
            await hand.instruct(act.number % size, f"be quick, {act.number}")
        elif act.what == "radius":
            await hand.change(neighbourRadius=1 + act.number % max(1, size // 2))
        elif act.what == "algorithm":
            await hand.change(algorithm=tuple(ALGORITHMS)[act.number % len(ALGORITHMS)])
        elif act.what == "start":
            await hand.start({})
        else:
            await {"pause": hand.pause, "resume": hand.resume, "stop": hand.stop}[act.what]()

    def _befall(self, act: Act) -> None:
        if act.what == "outage":
            self.fate.outage(1.0 + act.number % 15)
            return
        process = self.fate.victim()
        if process is None:
            return
        if act.what == "crash":
            process.doom = 1 + act.number
        elif act.what == "freeze":
            self.fate.freeze(process, 1.0 + act.number)
        elif act.what == "lose":
            self.world.fleet.lose(process)
        else:
            process.doom_at = act.what.removeprefix("crash ")
