"""The gate: a turn is due if and only if one of wake.md's conditions holds."""

from __future__ import annotations

import pytest

from murmur.entry import LogEntry
from murmur.gate import MAX_WAKERS, Situation, judge


def entry(iteration: int, state: str = "working", **more: object) -> LogEntry:
    return LogEntry.from_value(
        {"ts": "t", "iteration": iteration, "action": "a", "result": "r", "next_intent": "n", "state": state, **more}
    )


def test_nothing_new_is_no_turn() -> None:
    assert not judge(Situation()).due
    assert not judge(Situation(own_idle=True)).due


def test_a_neighbours_working_entry_is_a_turn_that_names_it() -> None:
    verdict = judge(Situation(own_idle=True, entries={3: (entry(7),)}))
    assert verdict.due
    assert verdict.cause == "neighbour"
    assert [(w.agent, w.iteration) for w in verdict.woken_by] == [(3, 7)]


def test_idle_entries_of_neighbours_are_no_turn() -> None:
    assert not judge(Situation(own_idle=True, entries={3: (entry(7, "idle"),), 5: (entry(1, "idle"),)})).due


def test_one_working_entry_among_idle_ones_is_enough() -> None:
    assert judge(Situation(own_idle=True, entries={3: (entry(7, "idle"), entry(8), entry(9, "idle"))})).due


def test_an_idle_entry_that_leaves_files_is_news() -> None:
    assert judge(Situation(own_idle=True, entries={3: (entry(7, "idle", files=["output/a"]),)})).due


def test_a_failed_turn_of_a_neighbour_is_no_news() -> None:
    assert not judge(Situation(own_idle=True, entries={3: (entry(7, failed=True),)})).due


@pytest.mark.parametrize(
    ("situation", "cause"),
    [
        (Situation(first_turn=True), "start"),
        (Situation(unfinished=True), "repair"),
        (Situation(resumed=True), "resume"),
        (Situation(direction_changed=True), "direction"),
        (Situation(directive_changed=True), "directive"),
        (Situation(config_changed=True), "config"),
    ],
)
def test_each_change_of_the_operators_is_a_turn_with_its_cause(situation: Situation, cause: str) -> None:
    verdict = judge(situation)
    assert (verdict.due, verdict.cause) == (True, cause)


def test_interval_is_a_turn_for_an_agent_with_work_of_its_own() -> None:
    assert judge(Situation(interval_passed=True, own_idle=False)).cause == "interval"
    assert judge(Situation(interval_passed=True, own_idle=False)).due
    assert not judge(Situation(interval_passed=False, own_idle=False)).due


def test_interval_is_no_turn_for_an_idle_agent_unless_output_changed() -> None:
    assert not judge(Situation(interval_passed=True, own_idle=True)).due
    assert judge(Situation(interval_passed=True, own_idle=True, output_changed=True)).due
    assert not judge(Situation(interval_passed=False, own_idle=True, output_changed=True)).due


def test_news_that_no_event_told_of_is_put_down_to_the_interval() -> None:
    verdict = judge(Situation(found_by_looking=True, own_idle=True, entries={3: (entry(7),)}))
    assert (verdict.due, verdict.cause) == (True, "interval")
    assert verdict.woken_by
    assert judge(Situation(found_by_looking=True, first_turn=True)).cause == "start"


@pytest.mark.parametrize("cause", ["direction", "directive", "config"])
def test_a_change_of_the_operators_that_no_event_told_of_is_put_down_to_the_interval(cause: str) -> None:
    assert judge(Situation(found_by_looking=True, **{f"{cause}_changed": True})).cause == "interval"


@pytest.mark.parametrize(("flag", "cause"), [("unfinished", "repair"), ("resumed", "resume")])
def test_what_needs_no_event_keeps_its_cause_when_found_by_looking(flag: str, cause: str) -> None:
    assert judge(Situation(found_by_looking=True, **{flag: True})).cause == cause


def test_an_agent_counts_as_having_work_until_it_says_that_it_is_idle() -> None:
    assert judge(Situation(interval_passed=True)).due


def test_of_several_reasons_the_first_in_the_order_of_wake_md_is_the_cause_and_who_woke_it_is_named_all_the_same() -> (
    None
):
    order = ["first_turn", "unfinished", "resumed", "direction_changed", "directive_changed", "config_changed"]
    causes = ["start", "repair", "resume", "direction", "directive", "config"]
    for place, cause in enumerate(causes):
        verdict = judge(Situation(entries={3: (entry(7),)}, **dict.fromkeys(order[place:], True)))
        assert (verdict.cause, len(verdict.woken_by)) == (cause, 1)


def test_the_wakers_named_are_bounded_and_the_newest() -> None:
    verdict = judge(Situation(entries={1: tuple(entry(i) for i in range(100))}))
    assert [waker.iteration for waker in verdict.woken_by] == list(range(84, 100))
    assert len(verdict.woken_by) == MAX_WAKERS


def test_the_wakers_are_named_by_agent_in_whatever_order_they_were_read() -> None:
    verdict = judge(Situation(entries={9: (entry(1),), 2: (entry(5), entry(6)), 4: ()}))
    assert [(waker.agent, waker.iteration) for waker in verdict.woken_by] == [(2, 5), (2, 6), (9, 1)]
