"""One simulated flock from its start to its rest: it does pieces of work and settles, then one agent has news for everybody."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, TypeVar

from agent.loop import AgentLoop
from agent.reader import SharedReader
from murmur import keys, ring
from murmur.config import FlockConfig
from murmur.errors import MurmurError
from murmur.simulate import time as virtual
from murmur.simulate.delivery import PROFILES, Courier, no_delivery
from murmur.simulate.flock import SimulatedFlock
from murmur.simulate.minds import NEWS, Ledger, Worker
from murmur.simulate.polling import PollingLoop

Mode = Literal["event", "polling"]
TICK_SECONDS: Final = {"work": 5.0, "rest": 60.0, "news": 60.0}
"""How often the lifecycle looks. A flock is declared settled by two looks in a row, so they are close while that is waited for."""
QUIET_SECONDS: Final = 120.0
"""How long a settled flock is watched, to see what rest costs."""
_T = TypeVar("_T")
_RUN_MINUTES: Final = 10_080.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the simulation."""

    agents: int = 64
    radius: int = 1
    think_seconds: float = 20.0
    mode: Mode = "event"
    seed: int = 7
    faults: str = "none"
    contributions: int = 100
    interval_seconds: float = 30.0

    @property
    def hops(self) -> int:
        """How many hops the news of one agent needs."""
        return ring.hops_to_everyone("amorphous", self.agents, self.radius)

    @property
    def delivery_seconds(self) -> float:
        """A delivery's mean, of the profile of this question."""
        return PROFILES[self.faults].mean_seconds

    @property
    def hosts(self) -> int:
        """How many hosts the flock needs."""
        return -(-self.agents // FlockConfig().agentsPerInstance)

    def config(self) -> FlockConfig:
        """The flock that is simulated: defaults but for what the question names, and budgets that do not end it. Raises InvalidConfig."""
        return FlockConfig.parse(
            {
                "concurrency": self.agents,
                "neighbourRadius": self.radius,
                "loopIntervalSeconds": self.interval_seconds,
                "idleTimeoutSeconds": 86_400.0,
                "maxRunMinutes": _RUN_MINUTES,
                "maxTurnsPerAgent": 100_000,
                "turnTimeoutSeconds": max(600.0, 2 * self.think_seconds),
            }
        )


@dataclass(frozen=True, slots=True)
class Span:
    """What a stretch of a run took. ``requests``: by the name of S3's and SQS's actions, and ``events``."""

    seconds: float
    turns: int
    gated: int
    rescues: int
    requests: Counter[str]

    def __sub__(self, before: Span) -> Span:
        """What came after ``before``."""
        return Span(
            self.seconds - before.seconds,
            self.turns - before.turns,
            self.gated - before.gated,
            self.rescues - before.rescues,
            self.requests - before.requests,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the simulation showed: the work, then the quiet, then the news."""

    work: Span
    """From the start until the flock has settled (polling: until everybody knows that nothing is left)."""
    rest: Span
    """QUIET_SECONDS afterwards."""
    news: Span
    """From the operator's word to one agent until everybody has passed it on."""
    needed: int
    """Turns the work could not have done without: see ``needed_turns``."""
    known_seconds: float
    """When the last agent knew that no piece is left."""
    learning_seconds: tuple[float, ...]
    """When each agent's line stood, in seconds after the first one's, ascending."""
    pieces: int

    @property
    def reach_seconds(self) -> float:
        """From the first agent's line of the news to the last agent's."""
        return self.learning_seconds[-1]


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
    with _collecting_seldom():
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
        self._flock = _flock(question, self._ledger)

    async def run(self) -> Outcome:
        q, ledger = self._question, self._ledger
        await self._flock.start("Make every piece.")
        begun = self._standing()
        worked = await self._until("work", self._quiet, lambda: len(ledger.knows_at) / q.agents)
        needed = needed_turns(q.agents, ledger)
        end = worked.seconds + QUIET_SECONDS
        rested = await self._until("rest", self._later_than(end), lambda: 1 - (end - _now()) / QUIET_SECONDS)
        await self._flock.store.put(keys.directive(0), NEWS.encode())
        told = await self._until("news", self._everybody_told, lambda: len(ledger.told_at) / q.agents)
        lines = sorted(ledger.told_at.values())
        await self._flock.stop()
        return Outcome(
            worked - begun,
            rested - worked,
            told - rested,
            needed,
            max(ledger.knows_at.values()),
            tuple(at - lines[0] for at in lines),
            len(ledger.done_at),
        )

    async def _until(self, phase: str, met: Callable[[], Awaitable[bool]], share: Callable[[], float]) -> Span:
        """Let time pass, the lifecycle ticking, until ``met``. Raises NotReached after a week of virtual time."""
        while not await met():
            if _now() > _RUN_MINUTES * 60 / 2:
                raise NotReached(phase, _now())
            await asyncio.sleep(TICK_SECONDS[phase])
            await self._flock.lifecycle.tick(self._flock.run)
            self._progress(phase, min(1.0, share()))
        self._progress(phase, 1.0)
        return self._standing()

    async def _quiet(self) -> bool:
        if self._question.mode == "polling":
            return len(self._ledger.knows_at) == self._question.agents
        return await self._flock.state() == "settled"

    async def _everybody_told(self) -> bool:
        return len(self._ledger.told_at) == self._question.agents

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
            sum(c.gated for c in counters),
            sum(c.rescues for c in counters),
            self._flock.store.requests + self._flock.fabric.requests,
        )


def _flock(question: Question, ledger: Ledger) -> SimulatedFlock:
    minds = [Worker(agent, question.agents, question.think_seconds, ledger) for agent in range(question.agents)]
    polls = question.mode == "polling"
    return SimulatedFlock(
        question.config(),
        lambda agent: minds[agent],
        virtual.VirtualClock(),
        question.seed,
        carrier=no_delivery if polls else Courier(PROFILES[question.faults], Random(question.seed)),
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
