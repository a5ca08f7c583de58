"""The bucket layout is a contract: each key spelled out (shared with other clients, docs/reference/bucket.md)."""

from __future__ import annotations

import pytest

from murmur import keys


def test_the_documents_and_folders_are_where_the_contract_has_them() -> None:
    assert (keys.CONFIG, keys.DIRECTION, keys.CONTROL, keys.ROSTER) == (
        "config.json",
        "direction.md",
        "control.json",
        "roster.json",
    )
    assert (keys.STORE, keys.STATE, keys.SEGMENTS, keys.OUTPUT) == ("store/", "state/", "segments/", "output/")
    assert (keys.KNOWLEDGE, keys.HISTORY, keys.VERSIONS, keys.WEB) == (
        "knowledge-base/",
        "history/",
        "versions/",
        "web/",
    )
    assert keys.LEASE == "state/lease.json"


def test_a_start_moves_logs_segments_results_and_their_versions_to_history() -> None:
    assert keys.ARCHIVED == ("store/", "segments/", "output/", "versions/output/")


def test_each_agents_objects_have_their_keys() -> None:
    assert keys.log(7) == "store/agent-7.ndjson"
    assert keys.directive(7) == "store/agent-7.directive.md"
    assert keys.state(7) == "state/agent-7.json"
    assert keys.segment(7, 3) == "segments/agent-7.00003.ndjson"
    assert keys.segments(7) == "segments/agent-7."
    assert keys.segment(7, 3).startswith(keys.segments(7))
    assert not keys.segment(71, 3).startswith(keys.segments(7))


def test_earlier_versions_and_earlier_runs_keep_the_key_below_their_folder() -> None:
    assert keys.previous("output/a.md") == "versions/output/a.md"
    assert keys.history("20260101T000000Z", "store/agent-0.ndjson") == "history/20260101T000000Z/store/agent-0.ndjson"
    assert keys.history("20260101T000000Z") == "history/20260101T000000Z/"


@pytest.mark.parametrize("agent", [0, 7, 10, 999_999])
def test_a_key_names_its_agent(agent: int) -> None:
    assert keys.agent_of_log(keys.log(agent)) == agent
    assert keys.agent_of_directive(keys.directive(agent)) == agent
    assert keys.agent_of_state(keys.state(agent)) == agent
    assert keys.segment_number(keys.segment(agent, 42)) == 42


@pytest.mark.parametrize(
    "number", ["", "00", "01", "-1", "+1", " 1", "1 ", "1000000", "x", "1.5", "٣", "1/2"], ids=ascii
)
def test_a_number_spelled_otherwise_is_no_agents(number: str) -> None:
    assert keys.agent_of_log(f"store/agent-{number}.ndjson") is None
    assert keys.agent_of_directive(f"store/agent-{number}.directive.md") is None
    assert keys.agent_of_state(f"state/agent-{number}.json") is None
    assert keys.segment_number(f"segments/agent-{number}.00001.ndjson") is None


@pytest.mark.parametrize("spoil", ["x{}", "{}x", "{}\n", "/{}", "output/{}"])
def test_a_key_that_only_holds_one_of_these_is_none(spoil: str) -> None:
    assert keys.agent_of_log(spoil.format(keys.log(1))) is None
    assert keys.agent_of_directive(spoil.format(keys.directive(1))) is None
    assert keys.agent_of_state(spoil.format(keys.state(1))) is None
    assert keys.segment_number(spoil.format(keys.segment(1, 1))) is None


def test_logs_directives_and_states_are_not_taken_for_each_other() -> None:
    assert keys.agent_of_log(keys.directive(1)) is None
    assert keys.agent_of_directive(keys.log(1)) is None
    assert keys.agent_of_state(keys.LEASE) is None
    assert keys.segment_number("segments/agent-1.1.ndjson") is None
    assert keys.segment_number("segments/agent-1.000001.ndjson") is None
