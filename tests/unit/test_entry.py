"""One line of a log, and logs read although some lines are none. For all lines: tests/property, tests/fuzz."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from murmur.entry import (
    LogEntry,
    ParsedLog,
    Usage,
    Waker,
    join,
    last_written,
    moment,
    one_line,
    parse_log,
    timestamp,
)
from murmur.errors import InvalidEntry

CORE: dict[str, Any] = {
    "ts": "2026-01-01T00:00:00.000Z",
    "iteration": 3,
    "action": "a",
    "result": "r",
    "next_intent": "n",
}


def entry(iteration: int = 3, **more: Any) -> LogEntry:
    return LogEntry.from_value({**CORE, "iteration": iteration, **more})


def line(**more: Any) -> bytes:
    return json.dumps({**CORE, **more}).encode() + b"\n"


@pytest.mark.parametrize(
    ("given", "flat"),
    [
        ("two\nlines\tand\r\n  more ", "two lines and more"),
        ("a\x00b\u2028c\u202ed", "a b c d"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("x" * 198 + " " + "y" * 9, "x" * 198 + "…"),
        (["no", "text"], "['no', 'text']"),
        ("", ""),
    ],
)
def test_words_become_one_line_of_at_most_200_characters(given: object, flat: str) -> None:
    assert one_line(given) == flat
    assert entry(action=given).action == flat


def test_a_shorter_limit_counts_its_own_sign_of_being_cut() -> None:
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"


def test_an_entry_of_the_compatible_core_says_nothing_it_was_not_told() -> None:
    assert entry().model_dump() == {
        **CORE,
        "state": "working",
        "cause": "start",
        "woken_by": (),
        "seen": {},
        "seen_documents": {},
        "wake_ms": None,
        "turn_ms": 0,
        "files": (),
        "stop_reason": "end_turn",
        "failed": False,
        "usage": None,
        "refused": (),
        "doubts": (),
        "trace": "",
    }
    assert Usage().model_dump() == {"input_tokens": 0, "output_tokens": 0, "cost": 0.0}


@pytest.mark.parametrize(
    "cause", ["start", "neighbour", "direction", "directive", "config", "resume", "interval", "repair"]
)
@pytest.mark.parametrize("state", ["working", "idle"])
def test_every_cause_and_state_of_the_contract_is_read(cause: str, state: str) -> None:
    assert (entry(cause=cause, state=state).cause, entry(cause=cause, state=state).state) == (cause, state)


@pytest.mark.parametrize("field", [{"cause": ""}, {"state": ""}, {"cause": "mutant"}, {"state": "asleep"}])
def test_other_causes_and_states_are_none(field: dict[str, str]) -> None:
    with pytest.raises(InvalidEntry, match=next(iter(field))):
        entry(**field)


@pytest.mark.parametrize(
    ("fields", "news"),
    [
        ({}, True),
        ({"state": "idle"}, False),
        ({"failed": True}, False),
        ({"state": "idle", "failed": True}, False),
        ({"state": "idle", "files": ["output/a"]}, True),
        ({"failed": True, "files": ["output/a"]}, True),
    ],
)
def test_news_is_what_works_and_did_not_fail_or_leaves_files(fields: dict[str, Any], news: bool) -> None:
    assert entry(**fields).is_news is news


@pytest.mark.parametrize(
    ("fields", "idle"),
    [({}, False), ({"state": "idle"}, True), ({"state": "idle", "failed": True}, False), ({"failed": True}, False)],
)
def test_an_agent_is_idle_by_its_own_word_only(fields: dict[str, Any], idle: bool) -> None:
    assert entry(**fields).is_idle is idle


@pytest.mark.parametrize("made", [entry(), Waker(agent=1, iteration=2), Usage()])
def test_what_was_written_is_not_changed_afterwards(made: LogEntry | Waker | Usage) -> None:
    name = next(iter(type(made).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(made, name, 5)


def test_fields_of_other_versions_are_kept_at_every_level() -> None:
    given = line(more={"x": 1}, woken_by=[{"agent": 1, "iteration": 2, "hop": 3}], usage={"thought_tokens": 4})
    written = json.loads(LogEntry.from_line(given).to_line())
    assert written["more"] == {"x": 1}
    assert written["woken_by"] == [{"agent": 1, "iteration": 2, "hop": 3}]
    assert written["usage"]["thought_tokens"] == 4


def test_a_line_is_compact_readable_text_without_what_is_not_known() -> None:
    written = entry(action="Grüße 🐦").to_line()
    assert written.startswith(
        '{"ts":"2026-01-01T00:00:00.000Z","iteration":3,"action":"Grüße 🐦","result":"r"'.encode()
    )
    assert written.endswith(b'"}\n')
    assert b"null" not in written
    assert b", " not in written
    assert b": " not in written
    assert b'"wake_ms":7' in entry(wake_ms=7).to_line()


def test_half_a_character_is_written_as_a_question_mark() -> None:
    assert b'"trace":"?"' in LogEntry.from_line(line(trace="\ud800")).to_line()
    assert LogEntry.from_line(b'{"ts":"\xed\xa0\x80",' + line()[1:]).iteration == 3


def test_a_byte_order_mark_before_a_line_is_read_past() -> None:
    assert LogEntry.from_line(b"\xef\xbb\xbf" + line()).iteration == 3


@pytest.mark.parametrize("bad", [b"", b"no", b"[" * 100_000, b"{'ts': 1}", b"\xff"])
def test_what_is_no_json_is_refused_with_what_to_write(bad: bytes) -> None:
    with pytest.raises(InvalidEntry) as refused:
        LogEntry.from_line(bad)
    assert refused.value.message == "The line is not JSON."
    assert refused.value.remedy == "Write one JSON object a line."


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" * 99 + "e999"])
def test_a_number_that_json_does_not_know_is_named_as_the_reason(number: str) -> None:
    with pytest.raises(InvalidEntry) as refused:
        LogEntry.from_line(line()[:-2] + f',"x":{number}}}'.encode())
    assert str(refused.value.__cause__) == f"{number[:20]} is no JSON number"


def test_a_number_with_a_fraction_keeps_it() -> None:
    assert json.loads(LogEntry.from_line(line(more=1.5)).to_line())["more"] == 1.5


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({**CORE, "iteration": -1}, "iteration: "),
        ({**CORE, "iteration": -1, "turn_ms": "x", "trace": 1}, "iteration: "),
        ({**CORE, "woken_by": [{"agent": "x", "iteration": 1}]}, "woken_by.0.agent: "),
        ({name: text for name, text in CORE.items() if name != "result"}, "result: "),
        ([], "the line: "),
        (None, "the line: "),
    ],
)
def test_a_value_that_is_no_entry_is_refused_naming_the_first_wrong_field(value: object, where: str) -> None:
    with pytest.raises(InvalidEntry) as refused:
        LogEntry.from_value(value)
    assert refused.value.message.startswith(where)
    assert refused.value.message.endswith(".")
    assert not refused.value.message.endswith(": .")
    assert len(refused.value.message) > len(where) + 5
    assert refused.value.remedy == "An entry has ts, iteration, action, result and next_intent."


def test_an_agents_first_iteration_is_0() -> None:
    assert entry(0).iteration == 0


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), 0.25])
def test_a_cost_that_is_no_number_costs_nothing(cost: float) -> None:
    assert Usage(cost=cost).cost == (0.25 if cost == 0.25 else 0.0)


def test_a_log_knows_its_newest_entry_and_what_came_after_an_iteration() -> None:
    log = ParsedLog((entry(1), entry(2), entry(3)), 0)
    assert log.last == entry(3)
    assert ParsedLog((), 0).last is None
    assert [e.iteration for e in log.after(1)] == [2, 3]
    assert log.after(3) == ()


def test_empty_lines_are_no_lines_and_bad_ones_are_counted() -> None:
    log = parse_log(line(iteration=0) + b"\n  \n\r\nbad\n" + line(iteration=1) + b'{"ts":')
    assert [e.iteration for e in log.entries] == [0, 1]
    assert log.bad_lines == 2


def test_in_the_tail_of_a_log_what_stands_before_the_first_break_is_not_judged() -> None:
    tail = b'ration":0}\n' + line(iteration=1)
    assert parse_log(tail).bad_lines == 1
    cut = parse_log(tail, partial=True)
    assert ([e.iteration for e in cut.entries], cut.bad_lines) == ([1], 0)
    assert parse_log(line(), partial=True) == ParsedLog((), 0)
    assert parse_log(b"no break at all", partial=True) == ParsedLog((), 0)


def test_of_a_log_in_parts_each_line_counts_once_and_none_goes_back() -> None:
    parts = [line(iteration=0) + line(iteration=1), line(iteration=1, action="again") + line(iteration=2)]
    assert [(e.iteration, e.action) for e in join(parts)] == [(0, "a"), (1, "a"), (2, "a")]
    assert [e.iteration for e in join([line(iteration=2), line(iteration=1), line(iteration=3)])] == [2, 3]
    assert join([]) == ()


def test_a_timestamp_is_utc_with_milliseconds_wherever_it_was_taken() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 678_999, UTC)) == "2026-01-02T03:04:05.678Z"
    there = timezone(timedelta(hours=5, minutes=30))
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=there)) == "2026-01-01T21:34:05.000Z"


@pytest.mark.parametrize(
    ("ts", "read"),
    [
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05+05:30", datetime(2026, 1, 1, 21, 34, 5, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_time_of_a_line_is_read_in_utc_unless_it_says_otherwise(ts: str, read: datetime | None) -> None:
    assert moment(ts) == read


def test_a_log_was_last_written_when_its_newest_entry_says() -> None:
    log = [entry(0, ts="2026-01-01T00:00:09Z"), entry(1, ts="1970-01-01T00:00:02.500Z")]
    assert last_written(log) == 2.5
    assert last_written([]) == 0.0
    assert last_written([entry(ts="yesterday")]) == 0.0
