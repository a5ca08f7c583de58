"""The settle rule: settled means that nobody works, nobody is owed news, and nothing is under way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from murmur.entry import LogEntry
from murmur.quiet import AgentFacts, Verdict, judge


def entry(iteration: int, state: str, failed: bool = False) -> LogEntry:
    return LogEntry(ts="t", iteration=iteration, action="a", result="r", next_intent="n", state=state, failed=failed)  # type: ignore[arg-type]


DOCUMENTS = {"direction": "d1", "config": "c1", "output": "o1"}
NEAR = {0: (2, 1), 1: (0, 2), 2: (1, 0)}


def flock() -> list[AgentFacts]:
    seen = {0: 4, 1: 4, 2: 4}
    return [AgentFacts(a, entry(5, "idle"), newest_news=4, seen=seen, seen_documents=DOCUMENTS) for a in range(3)]


def verdict(facts: list[AgentFacts]):
    return judge(facts, NEAR, dict.fromkeys(range(3), DOCUMENTS))


def test_idle_agents_that_have_seen_everything_are_settled() -> None:
    assert verdict(flock()).settled


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"in_turn": True}, "in a turn"),
        ({"last": None}, "first turn"),
        ({"last": entry(5, "working")}, "working"),
        ({"last": entry(5, "idle", failed=True)}, "working"),
        ({"waiting_messages": 1}, "messages"),
        ({"seen": {0: 4, 2: 3}}, "agent-2"),
        ({"seen_documents": {**DOCUMENTS, "direction": "d0"}}, "direction"),
        ({"seen_documents": {**DOCUMENTS, "output": "o0"}}, "output"),
    ],
)
def test_one_agent_that_is_not_done_keeps_the_flock_unsettled_and_is_named(change: dict, words: str) -> None:
    facts = flock()
    facts[1] = replace(facts[1], **change)
    found = verdict(facts)
    assert not found.settled
    assert "agent-1" in found.waiting_for
    assert words in found.waiting_for


def test_three_adjacent_idle_agents_do_not_settle_a_flock_in_which_a_fourth_works() -> None:
    facts = [*flock(), AgentFacts(3, entry(9, "working"), newest_news=9)]
    near = {a: ((a - 1) % 4, (a + 1) % 4) for a in range(4)}
    assert not judge(facts, near, dict.fromkeys(range(4), DOCUMENTS)).settled


def test_parked_agents_count_as_idle_and_their_reason_is_part_of_the_verdict() -> None:
    facts = flock()
    facts[1] = replace(facts[1], last=entry(5, "working"), parked="budget: 3 of 3 turns", waiting_messages=4)
    found = verdict(facts)
    assert found.settled
    assert "budget: 3 of 3 turns" in found.reason
    assert found.parked == {1: "budget: 3 of 3 turns"}


def test_what_a_parked_agent_wrote_last_must_still_be_seen() -> None:
    facts = flock()
    facts[1] = replace(facts[1], parked="budget", newest_news=6)
    assert "agent-1 wrote" in verdict(facts).waiting_for


def test_of_an_agent_nothing_is_assumed_that_was_not_told() -> None:
    facts = AgentFacts(3, None)
    assert (facts.newest_news, facts.seen, facts.seen_documents) == (-1, {}, {})
    assert (facts.in_turn, facts.parked, facts.waiting_messages, facts.wrote) == (False, "", 0, 0.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"in_turn": True}, "agent-1 is in a turn"),
        ({"last": None}, "agent-1 has not had its first turn"),
        ({"last": entry(5, "working")}, "agent-1 is working"),
        ({"waiting_messages": 1}, "agent-1 has messages waiting"),
        ({"seen": {0: 4, 2: 3}}, "agent-1 has not seen what agent-2 wrote"),
        ({"seen_documents": {**DOCUMENTS, "config": "c0"}}, "agent-1 has not seen the newest config"),
    ],
)
def test_what_is_waited_for_is_one_plain_sentence(change: dict, reason: str) -> None:
    facts = flock()
    facts[1] = replace(facts[1], **change)
    assert verdict(facts).reason == reason
    assert verdict(facts).parked == {}


def test_a_flock_at_rest_says_so_and_names_at_most_three_of_the_parked_in_order() -> None:
    assert verdict(flock()).reason == "every agent is idle and has seen everything"
    parked = [replace(facts, agent=facts.agent, parked=f"budget {facts.agent}") for facts in flock()]
    assert verdict(parked[:1] + flock()[1:]).reason == "idle, 1 of them parked (agent-0: budget 0)"
    four = [*parked[::-1], replace(parked[0], agent=3, parked="budget 3")]
    found = judge(four, {**NEAR, 3: ()}, dict.fromkeys(range(4), DOCUMENTS))
    assert found.reason == "idle, 4 of them parked (agent-0: budget 0; agent-1: budget 1; agent-2: budget 2)"


def test_a_verdict_that_waits_for_nothing_says_nothing() -> None:
    assert Verdict(False).reason == ""
    assert Verdict(False).parked == {}


def test_an_agent_that_never_heard_of_a_neighbour_has_not_seen_its_first_entry() -> None:
    facts = [AgentFacts(a, entry(0, "idle"), newest_news=0) for a in range(2)]
    near, none = {0: (1,), 1: ()}, {0: {}, 1: {}}
    assert "agent-1 wrote" in judge(facts, near, none).reason
    facts[1] = replace(facts[1], newest_news=-1)
    assert judge(facts, near, none).settled


def test_a_neighbour_that_is_not_there_or_has_no_news_owes_nothing() -> None:
    assert judge([AgentFacts(0, entry(0, "idle"))], {0: (7,)}, {0: {}}).settled


def test_a_document_that_is_not_there_need_not_be_seen_and_one_never_seen_must() -> None:
    facts = [AgentFacts(0, entry(0, "idle"))]
    assert judge(facts, {0: ()}, {0: {"direction": ""}}).settled
    assert judge(facts, {0: ()}, {0: {"direction": "1"}}).reason == "agent-0 has not seen the newest direction"
