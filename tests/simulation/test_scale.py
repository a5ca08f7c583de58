"""The real agent code in simulated time: how news travels, how many turns work takes, and what a large flock costs to simulate."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from murmur.config import FlockConfig
from murmur.simulate.costs import Bill
from murmur.simulate.experiment import simulate
from murmur.simulate.foretell import foretell
from murmur.simulate.outcome import Outcome
from murmur.simulate.question import Question

RING = Question(agents=64, radius=1, think_seconds=20.0, contributions=64)
POLLS = replace(RING, mode="polling")
MEGABYTE = 1024 * 1024


@cache
def outcome(question: Question) -> Outcome:
    return simulate(question)


@pytest.mark.parametrize("seed", [7, 8])
def test_news_crosses_a_ring_of_64_as_fast_as_thinking_and_delivery_allow(seed: int) -> None:
    config = FlockConfig()  # what the flock does on its own account is within the five per cent, too
    assert (config.coalesceMilliseconds, config.minTurnGapSeconds) == (50, 1.0)
    asked = replace(RING, seed=seed)
    assert asked.hops == 32
    found = outcome(asked)
    assert len(found.learning_seconds) == 64
    assert found.reach_seconds <= 1.05 * asked.limit_seconds
    assert (
        found.reach_seconds >= 0.9 * asked.limit_seconds
    )  # faster than the limit on average would be a fault of the model


def test_polling_needs_its_interval_at_every_hop() -> None:
    assert outcome(POLLS).reach_seconds >= POLLS.hops * POLLS.interval_seconds
    assert outcome(POLLS).reach_seconds > 1.4 * outcome(RING).reach_seconds


def test_polling_never_rests_and_events_do() -> None:
    assert outcome(RING).rest.turns == 0
    polled = outcome(POLLS).rest
    assert polled.turns == pytest.approx(64 * polled.seconds / POLLS.interval_seconds, rel=0.3)


@pytest.mark.parametrize(
    "asked",
    [
        Question(agents=8, contributions=32),
        Question(agents=8, contributions=100),
        Question(agents=64, contributions=100),
        Question(agents=64, contributions=256),
        Question(agents=256, radius=4, contributions=512, think_seconds=5.0),
    ],
    ids=lambda asked: f"{asked.agents} agents, {asked.contributions} pieces",
)
def test_work_takes_hardly_more_turns_than_it_needs_and_none_after_settling(asked: Question) -> None:
    found = outcome(asked)
    assert found.pieces == asked.contributions
    assert asked.contributions <= found.needed <= asked.contributions + asked.agents
    assert found.work.turns <= 1.2 * found.needed
    assert found.rest.turns == 0


def test_a_question_has_one_answer() -> None:
    asked = Question(agents=12, radius=2, contributions=20, faults="default", seed=3)
    assert simulate(asked) == simulate(asked)
    assert simulate(replace(asked, seed=4)) != simulate(asked)


def test_lost_and_late_events_delay_the_news_and_the_fallback_makes_up_for_them() -> None:
    asked = Question(agents=64, radius=1, contributions=300, faults="default", seed=5)
    found = outcome(asked)
    assert len(found.learning_seconds) == 64
    assert found.pieces == 300
    assert sum(span.rescues for span in (found.work, found.rest, found.news)) > 0


def test_minds_that_fail_and_hosts_that_die_cost_turns_and_time_and_nothing_else() -> None:
    calm = Question(agents=24, radius=1, think_seconds=20.0, contributions=60, seed=2)
    rough = outcome(replace(calm, faults="default"))
    assert rough.crashes > 0
    assert rough.work.failed > 0
    assert rough.pieces == 60
    assert len(rough.learning_seconds) + rough.parked == 24
    assert rough.work.turns >= outcome(calm).work.turns + rough.work.failed
    assert rough.reach_seconds > outcome(calm).reach_seconds
    assert rough.rest.turns == 0
    assert outcome(calm).crashes == outcome(calm).work.failed == 0


def test_what_is_foretold_of_polling_is_what_running_it_shows() -> None:
    told = foretell(POLLS)
    assert told.reach_seconds == pytest.approx(outcome(POLLS).reach_seconds, rel=0.15)
    assert len(told.learning_seconds) == 64
    news = outcome(POLLS).news
    assert told.turns_per_hour == pytest.approx(news.turns * 3600 / news.seconds, rel=0.05)


def test_a_bill_counts_what_aws_would_at_list_prices() -> None:
    requests = Counter(
        {"PUT": 10**6, "GET": 10**6, "LIST": 10**6, "DELETE": 5, "ReceiveMessage": 10**6, "events": 10**6}
    )
    assert Bill.of(requests, events=True).dollars == pytest.approx(5 + 0.4 + 5 + 2 + 0.4)
    assert Bill.of(requests, events=False).dollars == pytest.approx(5 + 0.4 + 5)
    assert Bill.of(requests, events=True).per_hour(1800) == pytest.approx(2 * 12.8)


MEASURED = """
import re, resource, sys
from pathlib import Path
from murmur.cli.main import main
code = main(sys.argv[1:])
status = Path("/proc/self/status")  # getrusage also counts what this process was before it became another program: a copy of the tests
kilobytes = re.search(r"VmHWM:\\s+(\\d+)", status.read_text()) if status.exists() else None
print(int(kilobytes[1]) * 1024 if kilobytes else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)  # some 40 s of one core, which may have much else to do
def test_a_thousand_agents_fit_into_a_gigabyte() -> None:
    line = [
        "simulate",
        "--agents",
        "1000",
        "--radius",
        "4",
        "--think",
        "2s",
        "--contributions",
        "100",
        "--json",
        "--quiet",
    ]
    ran = subprocess.run([sys.executable, "-c", MEASURED, *line], capture_output=True, check=True, timeout=890)
    found = json.loads(ran.stdout)
    event = found["designs"][0]
    assert len(event["learning_seconds"]) == 1000
    assert event["turns_at_rest_per_hour"] == 0
    assert event["ratio"] <= 1.2
    assert 0 < int(ran.stderr.split()[-1]) < 1000 * MEGABYTE
