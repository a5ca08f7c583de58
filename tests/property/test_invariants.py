"""I1 to I7 (docs/explanation/wake.md) for whatever flock and whatever schedule of faults hypothesis draws; a failure shrinks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from agent import brakes
from murmur.simulate.profile import CALM
from tests.property.schedules import Act, Schedule, run, schedules

EXAMPLES = settings().max_examples
"""A hundred take some fifteen seconds; nightly it is 5,000."""


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(schedules)
def test_every_invariant_holds_under_every_schedule(schedule: Schedule) -> None:
    verdict = run(schedule)
    assert verdict.held, str(verdict)


def test_a_schedule_is_a_function_of_what_was_drawn() -> None:
    acts = (Act(3.0, "crash after append", 0), Act(2.0, "direction", 5), Act(9.0, "lose", 0), Act(1.0, "radius", 1))
    config = {"concurrency": 5, "neighbourRadius": 1, "agentsPerInstance": 2, "algorithm": "amorphous"}
    schedule = Schedule(config, replace(CALM, event_lost=0.1, bad_turn=0.2), acts, 3)
    first = run(schedule)
    assert first == run(schedule)
    assert first.turns > 5
    assert first != run(replace(schedule, acts=acts[1:]))


def test_drawn_schedules_notice_a_missing_budget_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brakes, "spent", lambda *_: "")
    generate = settings(
        max_examples=100, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
    )
    found = find(schedules, lambda schedule: not run(schedule).held, settings=generate)
    assert any(breach.startswith("I7") for breach in run(found).breaches)
