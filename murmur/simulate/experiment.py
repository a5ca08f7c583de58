"""One simulated flock from its start to its rest: it does pieces of work and settles, then one agent has news for everybody."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final, TypeVar

from agent.loop import AgentLoop
from agent.ports import Mind
from agent.reader import SharedReader
from murmur import keys
from murmur.errors import MurmurError
from murmur.simulate import time as virtual
from murmur.simulate.faults import rough_carrier
from murmur.simulate.flock import SimulatedFlock
from murmur.simulate.hush import hushed
from murmur.simulate.minds import NEWS, Ledger, Worker
from murmur.simulate.mishaps import Crashes, Unwell
from murmur.simulate.outcome import Outcome, Span
from murmur.simulate.polling import PollingLoop, no_delivery
from murmur.simulate.question import LONGEST_RUN_MINUTES, Question
from murmur.simulate.weather import Weather

TICK_SECONDS: Final = {"work": 5.0, "rest": 60.0, "news": 60.0}
"""How often the lifecycle looks. A flock is declared settled by two looks in a row, so they are close while that is waited for."""
QUIET_SECONDS: Final = 120.0
"""How long a settled flock is watched, to see what rest costs."""
_T = TypeVar("_T")


class NotReached(MurmurError):
    """The simulated flock did not come to an end of a phase. Remedy: fewer agents, a larger radius, or less thinking."""

    code = "not_reached"

    def __init__(self, phase: str, seconds: float) -> None:
        super().__init__(
            f"After {seconds:.0f} simulated seconds the flock had not come to the end of its {phase}.",
            "Report it with the command line: with the same seed it happens again.",
        )


def needed_turns(agents: int, ledger: Ledger) -> int:
    """One turn for every piece of work, and one for every agent to come to know that it is over.

    An agent that sees in the turn of its last piece that nothing is left needs no other.
    """
    return len(ledger.done_at) + agents - ledger.over


Progress = Callable[[str, float], None]
"""Called with a phase and how much of it is done, 0 to 1."""


def simulate(question: Question, progress: Progress = lambda _phase, _share: None) -> Outcome:
    """Run it. The same question has the same outcome. Raises InvalidConfig."""
    with _collecting_seldom(), hushed():
        return virtual.run(_Experiment(question, progress).run())


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Millions of short-lived tasks beside a world that stays: Python would look through all of it again and again."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Experiment:
    def __init__(self, question: Question, progress: Progress) -> None:
        self._question = question
        self._progress = progress
        self._ledger = Ledger(question.contributions)
        clock = virtual.VirtualClock()
        weather = Weather(question.profile, Random(question.seed), clock)
        self._flock = _flock(question, self._ledger, clock, weather)
        self._crashes = Crashes(self._flock, weather)

    async def run(self) -> Outcome:
        await self._flock.start("Make every piece.")
        crashing = asyncio.create_task(self._crashes.go_on(), name="crashes")
        try:
            return await self._phases()
        finally:
            crashing.cancel()
            await self._flock.stop()

    async def _phases(self) -> Outcome:
        q, ledger = self._question, self._ledger
        begun = self._standing()
        worked = await self._until("work", self._quiet, lambda: len(ledger.knows_at) / q.agents)
        needed = needed_turns(q.agents, ledger)
        end = worked.seconds + QUIET_SECONDS
        rested = await self._until("rest", self._later_than(end), lambda: 1 - (end - _now()) / QUIET_SECONDS)
        await self._flock.store.put(keys.directive(0), NEWS.encode())
        told = await self._until("news", self._everybody_told, lambda: len(ledger.told_at) / q.agents)
        lines = sorted(ledger.told_at.values())
        return Outcome(
            worked - begun,
            rested - worked,
            told - rested,
            needed,
            tuple(at - lines[0] for at in lines),
            len(ledger.done_at),
            self._crashes.count,
            len(self._parked() - ledger.told_at.keys()),
        )

    async def _until(self, phase: str, met: Callable[[], Awaitable[bool]], share: Callable[[], float]) -> Span:
        """Let time pass, the lifecycle ticking, until ``met``. Raises NotReached after a week of virtual time."""
        while not await met():
            if _now() > LONGEST_RUN_MINUTES * 60 / 2:
                raise NotReached(phase, _now())
            await asyncio.sleep(TICK_SECONDS[phase])
            await self._flock.lifecycle.tick(self._flock.run)
            self._progress(phase, min(1.0, share()))
        self._progress(phase, 1.0)
        return self._standing()

    async def _quiet(self) -> bool:
        if self._question.mode == "polling":
            return len(self._ledger.knows_at.keys() | self._parked()) == self._question.agents
        return await self._flock.state() == "settled"

    async def _everybody_told(self) -> bool:
        return len(self._ledger.told_at.keys() | self._parked()) == self._question.agents

    def _parked(self) -> set[int]:
        return {agent for agent, loop in self._flock.fleet.loops.items() if loop.state.activity == "parked"}

    def _later_than(self, end: float) -> Callable[[], Awaitable[bool]]:
        async def later() -> bool:
            return _now() >= end

        return later

    def _standing(self) -> Span:
        """All that was counted so far."""
        counters = [loop.counters for loop in self._flock.fleet.loops.values()]
        return Span(
            _now(),
            sum(c.turns for c in counters),
            sum(c.failed_turns for c in counters),
            sum(c.gated for c in counters),
            sum(c.rescues for c in counters),
            self._flock.store.requests + self._flock.fabric.requests,
        )


def _flock(question: Question, ledger: Ledger, clock: virtual.VirtualClock, weather: Weather) -> SimulatedFlock:
    minds: list[Mind] = [
        Unwell(Worker(agent, question.agents, question.think_seconds, ledger), weather, question.think_seconds)
        for agent in range(question.agents)
    ]
    polls = question.mode == "polling"
    return SimulatedFlock(
        question.config(),
        lambda agent: minds[agent],
        clock,
        question.seed,
        carrier=no_delivery if polls else rough_carrier(weather),
        life=PollingLoop if polls else AgentLoop,
        reader=QueueingReader,
    )


class QueueingReader(SharedReader):
    """Reads one after the other: the store in memory answers at once, and a million tasks would cost more than all else."""

    async def together(self, reads: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
        """See ``SharedReader.together``."""
        return [await read for read in reads]


def _now() -> float:
    return asyncio.get_running_loop().time()
