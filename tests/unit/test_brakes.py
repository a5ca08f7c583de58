"""What holds a due turn back, how long, and what lets it go on; and what goes on beside the rounds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from agent.brakes import Brakes
from agent.journal import Journal
from agent.lease import Over
from agent.limits import FAILURES_TO_PARK, Pace
from agent.patience import Patience
from agent.ports import TurnOutcome
from agent.reader import SharedReader
from agent.upkeep import beside
from agent.view import View
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.entry import LogEntry
from murmur.errors import Fenced
from murmur.memory.store import MemoryStore
from murmur.state import Counters

ENDED = TurnOutcome("end_turn")
FAILED = TurnOutcome("error")


class HandClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Rig:
    def __init__(self, agent: int = 1, **config: object) -> None:
        store, self.clock = MemoryStore(), HandClock()
        self.view = View(store, SharedReader(store), agent, 64, "r")
        self.view.config = FlockConfig.parse({"concurrency": 64, **config})
        self.journal = Journal(store, self.clock, agent, "r")
        self.brakes = Brakes(Pace(agent, 64, Random(1)), self.clock, self.view, self.journal)

    async def turn(self, *, failed: bool = False, outcome: TurnOutcome = ENDED) -> None:
        entry = LogEntry(
            ts="t", iteration=self.journal.next_iteration, action="a", result="r", next_intent="n", failed=failed
        )
        await self.journal.append(entry)
        self.brakes.turn_ended(entry, outcome)


async def test_a_turn_that_is_held_keeps_its_place_while_others_would_be_due_too() -> None:
    rig = Rig(agent=32, staggerSeconds=60.0)
    first = rig.brakes.hold("direction")
    assert first == pytest.approx(30.0)
    assert not rig.brakes.backing_off
    rig.clock.seconds += 20.0
    assert rig.brakes.hold("direction") == pytest.approx(10.0)
    assert rig.brakes.until == pytest.approx(rig.clock.seconds + 10.0)
    rig.clock.seconds += 10.0
    assert rig.brakes.hold("direction") == 0.0
    rig.brakes.release()
    assert rig.brakes.until is None
    assert rig.brakes.hold("direction") == pytest.approx(30.0)


async def test_failures_back_off_then_halt_until_the_operator_changes_something() -> None:
    rig = Rig(minTurnGapSeconds=0.0)
    for _ in range(FAILURES_TO_PARK - 1):
        await rig.turn(failed=True, outcome=TurnOutcome("error", retry_after_seconds=50.0))
        assert rig.brakes.refusal(Counters()) == ""
    assert rig.brakes.hold("neighbour") >= 50.0
    assert rig.brakes.backing_off
    await rig.turn(failed=True, outcome=FAILED)
    assert f"{FAILURES_TO_PARK} failed turns in a row" in rig.brakes.refusal(Counters())
    rig.view.config = FlockConfig.parse({"concurrency": 64, "minTurnGapSeconds": 0.0, "loopIntervalSeconds": 77.0})
    assert rig.brakes.refusal(Counters()) == ""
    rig.brakes.release()
    assert rig.brakes.hold("neighbour") == 0.0


async def test_a_failure_that_cannot_get_better_halts_at_once() -> None:
    rig = Rig()
    await rig.turn(failed=True, outcome=TurnOutcome("error", fatal=True))
    assert "1 failed turns in a row" in rig.brakes.refusal(Counters())


async def test_a_loop_halts_and_what_frees_it_lets_it_say_the_same_anew() -> None:
    rig = Rig(maxRepeats=3)
    for _ in range(3):
        assert rig.brakes.refusal(Counters()) == ""
        await rig.turn()
    assert "maxRepeats" in rig.brakes.refusal(Counters())
    rig.view.config = FlockConfig.parse({"concurrency": 64, "maxRepeats": 3, "loopIntervalSeconds": 77.0})
    for _ in range(3):
        assert rig.brakes.refusal(Counters()) == ""
        await rig.turn()
    assert "maxRepeats" in rig.brakes.refusal(Counters())


async def test_a_spent_budget_refuses_whatever_else_holds() -> None:
    assert "maxTurnsPerAgent" in Rig(maxTurnsPerAgent=3).brakes.refusal(Counters(turns=3))


async def test_work_is_done_beside_its_upkeep() -> None:
    ended = asyncio.Event()

    async def upkeep() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    assert await beside(upkeep(), work()) == "done"
    await asyncio.wait_for(ended.wait(), 5.0)


async def test_work_whose_upkeep_breaks_is_cancelled_before_that_is_told() -> None:
    cancelled = False

    async def upkeep() -> None:
        raise Fenced(3)

    async def work() -> None:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        finally:
            cancelled = True

    with pytest.raises(Fenced):
        await beside(upkeep(), work())
    assert cancelled


@pytest.mark.parametrize("before", [True, False])
async def test_a_stop_ends_every_wait_that_was_begun_and_every_one_that_will_be(before: bool) -> None:
    patience = Patience(SystemClock(), Random(1), "agent-1")
    waiting = [asyncio.ensure_future(patience.unless_stopped(asyncio.Event().wait())) for _ in range(2)]
    if not before:
        await asyncio.sleep(0)
    patience.stop(Over("stopped"))
    patience.stop(Over("once more"))
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5.0) == [None, None]
    assert await patience.unless_stopped(asyncio.Event().wait()) is None
    assert patience.stopped
    assert patience.over.why == "stopped"
    patience.stop(Over("run r is over", disowned=True))
    assert patience.over.disowned
