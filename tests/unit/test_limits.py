"""Pacing, back-off and the budget."""

from __future__ import annotations

from random import Random

import pytest

from agent.limits import BACKOFF_CAP_SECONDS, RATE_LIMIT_BASE_SECONDS, Halt, Pace, looping, spent
from agent.ports import TurnOutcome
from murmur.config import FlockConfig
from murmur.state import Counters

CONFIG = FlockConfig.parse({"minTurnGapSeconds": 4.0, "staggerSeconds": 8.0})
FAILED = TurnOutcome("error")


def test_first_turn_may_begin_at_once_and_the_next_after_the_gap() -> None:
    pace = Pace(0, 64, Random(1))
    assert pace.ready_at(CONFIG, "neighbour", 100.0) <= 100.0
    pace.succeeded(100.0)
    assert pace.ready_at(CONFIG, "neighbour", 101.0) == 104.0


@pytest.mark.parametrize(("size", "window"), [(64, 8.0), (8, 1.0), (128, 16.0)])
def test_what_strikes_everyone_is_spread_in_proportion_to_the_flock(size: int, window: float) -> None:
    starts = [Pace(agent, size, Random(1)).ready_at(CONFIG, "direction", 50.0) for agent in range(size)]
    assert starts[0] == 50.0
    assert starts == sorted(starts)
    assert max(starts) == pytest.approx(50.0 + window * (size - 1) / size)
    assert Pace(size - 1, size, Random(1)).ready_at(CONFIG, "neighbour", 50.0) <= 50.0


def test_back_off_grows_is_bounded_and_jittered() -> None:
    tops = []
    for failures in range(1, 15):
        waits = []
        for seed in range(40):
            pace = Pace(0, 8, Random(seed))
            for _ in range(failures):
                pace.failed(0.0, FAILED, CONFIG)
            waits.append(pace.backing_off_until)
        assert len(set(waits)) > 30
        tops.append(max(waits))
    assert tops[3] > tops[0]
    assert max(tops) <= BACKOFF_CAP_SECONDS


def test_a_rate_limit_backs_off_no_shorter_than_it_asked_for() -> None:
    pace = Pace(0, 8, Random(1))
    pace.failed(10.0, TurnOutcome("error", rate_limited=True, retry_after_seconds=77.0), CONFIG)
    assert pace.backing_off_until >= 87.0
    pace.forgive()
    assert pace.ready_at(CONFIG, "neighbour", 20.0) <= 20.0


@pytest.mark.parametrize(
    ("counters", "seconds", "named"),
    [
        (Counters(turns=200), 0.0, "maxTurnsPerAgent"),
        (Counters(tokens=2_000_000), 0.0, "maxTokensPerAgent"),
        (Counters(), 7200.0, "maxRunMinutes"),
    ],
)
def test_a_spent_budget_is_named(counters: Counters, seconds: float, named: str) -> None:
    assert named in spent(FlockConfig(), counters, seconds)
    assert spent(FlockConfig(), Counters(turns=199, tokens=1_999_999), 7199.0) == ""


def test_rate_limits_back_off_with_full_jitter_from_nothing_to_a_ceiling_that_doubles() -> None:
    for failures in (1, 2, 3):
        waits = []
        for seed in range(400):
            pace = Pace(0, 8, Random(seed))
            for _ in range(failures):
                pace.failed(0.0, TurnOutcome("error", rate_limited=True), CONFIG)
            waits.append(pace.backing_off_until)
        ceiling = RATE_LIMIT_BASE_SECONDS * 2**failures
        assert max(waits) <= ceiling
        assert max(waits) > 0.9 * ceiling
        assert min(waits) < 0.1 * ceiling
        assert sum(waits) / len(waits) == pytest.approx(ceiling / 2, rel=0.15)


def test_a_halt_holds_until_the_operator_changes_something() -> None:
    halt = Halt()
    assert not halt.lifted(("v1",))
    halt.call("it failed", ("v1",))
    assert halt.why(("v1",)) == "it failed"
    assert not halt.lifted(("v1",))
    assert halt.lifted(("v2",))
    assert halt.why(("v2",)) == ""
    assert not halt.lifted(("v1",))


def test_the_same_words_in_a_row_are_a_loop_from_max_repeats_on() -> None:
    config = FlockConfig.parse({"maxRepeats": 3})
    assert looping(config, 2, "again") == ""
    assert "maxRepeats" in looping(config, 3, "again")
    assert "again" in looping(config, 4, "again")
