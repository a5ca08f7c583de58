"""Logs as nobody should write them: the parser never raises, hides no good line, and stays within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur import keys
from murmur.change import parse_change
from murmur.control import parse_control
from murmur.entry import TEXT_LIMIT, LogEntry, parse_log
from murmur.errors import InvalidEntry, InvalidInput
from murmur.logs import LogReader
from murmur.memory.store import MemoryStore
from murmur.state import AgentState

GOOD = LogEntry(ts="2026-01-01T00:00:00.000Z", iteration=7, action="did it", result="r", next_intent="n").to_line()

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=30)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)
fields = st.sampled_from(
    [*LogEntry.model_fields, "agent", "__class__", "model_extra", "model_fields", "is_news", "copy", ""]
)
valid: dict[str, Any] = json.loads(GOOD)
almost = st.dictionaries(fields, values, max_size=4).map(lambda changes: {**valid, **changes})
"""Entries with some fields of the wrong kind."""


def dumped(value: Any, *, ascii_only: bool = True) -> bytes:
    """As JavaScript or Python would: NaN, Infinity and half characters included."""
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


objects = st.builds(dumped, almost | values, ascii_only=st.booleans())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good line with bytes changed, lost or added."""
    line = bytearray(GOOD[:-1])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(line) - 1)))
        line[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(line)


bad = st.one_of(
    st.binary(max_size=80),
    objects,
    damaged(),
    st.integers(0, len(GOOD) - 2).map(lambda cut: GOOD[:cut]),
    st.integers(1, 3000).map(lambda depth: b"[" * depth),
    st.integers(1, 3000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
    st.sampled_from(
        [b"\xef\xbb\xbf" + GOOD[:-1], GOOD[:-1].decode().encode("utf-16"), b"null", b"\r", b"\x00" * 50, b"1e999"]
    ),
    st.integers(1, 5000).map(lambda digits: b'{"iteration":' + b"9" * digits + b"}"),
).map(lambda line: line.replace(b"\n", b" "))


@given(
    st.lists(bad | st.just(GOOD[:-1]), max_size=8), st.booleans(), st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \n"])
)
def test_no_line_hides_a_good_one_or_stops_the_parser(lines: list[bytes], ends: bool, between: bytes) -> None:
    body = between.join(lines) + (b"\n" if ends else b"")
    parsed = parse_log(body)
    assert sum(entry.iteration == 7 and entry.action == "did it" for entry in parsed.entries) >= lines.count(GOOD[:-1])
    assert len(parsed.entries) + parsed.bad_lines <= body.count(b"\n") + 1
    for entry in parsed.entries:
        assert entry.iteration >= 0
        assert all(
            len(words) <= TEXT_LIMIT and words.isprintable()
            for words in (entry.action, entry.result, entry.next_intent)
        )
    parse_log(body, partial=True)


@given(objects | damaged())
def test_what_passes_for_an_entry_can_be_written_shown_and_read_again(line: bytes) -> None:
    try:
        entry = LogEntry.from_line(line)
    except InvalidEntry:
        return
    again = LogEntry.from_line(entry.to_line())
    assert again.iteration == entry.iteration
    assert again.is_news == entry.is_news
    json.loads(entry.to_line(), parse_constant=pytest.fail)  # as browsers read it: neither NaN nor Infinity


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_json_number_makes_a_line_no_entry_and_a_cost_nothing(number: str) -> None:
    line = GOOD[:-2] + f',"more":{number}}}\n'.encode()
    assert parse_log(line + GOOD) == parse_log(b"?\n" + GOOD)
    entry = LogEntry.model_validate({**valid, "usage": {"cost": float(number)}})
    assert entry.usage is not None
    assert entry.usage.cost == 0.0
    assert LogEntry.from_line(entry.to_line()) == entry


@given(st.binary(max_size=100) | objects)
def test_other_documents_of_the_bucket_and_messages_of_the_queue_raise_only_what_says_so(body: bytes) -> None:
    assert AgentState.from_json(body) is None or AgentState.from_json(body).agent >= 0
    for parse in (parse_change, parse_control):
        with contextlib.suppress(InvalidInput):
            parse(body)


events = st.fixed_dictionaries(
    {
        "detail": st.fixed_dictionaries(
            {"object": st.dictionaries(st.sampled_from(["key", "etag", "sequencer", "size"]), values)}
        )
        | values
    },
    optional={"time": values, "id": values, "detail-type": values},
)


@given(events)
def test_an_event_is_read_or_refused(event: Any) -> None:
    try:
        change = parse_change(dumped(event))
    except InvalidInput:
        return
    change.newer_than("0" * 16)
    change.newer_than(change.sequencer)


@pytest.mark.parametrize(
    "line",
    [
        b"x" * 8_000_000,
        b'{"ts":"' + b"x" * 8_000_000,
        b'"' + b"\\u0000" * 1_000_000 + b'"',
        b"[" * 2_000_000,
        b'{"iteration":' + b"1" * 1_000_000 + b"}",
        dumped({**valid, "action": "w" * 4_000_000, "files": ["f" * 100] * 20_000}),
    ],
    ids=["text", "open", "escapes", "nested", "digits", "huge but good"],
)
def test_huge_lines_are_read_past(line: bytes) -> None:
    parsed = parse_log(line + b"\n" + GOOD)
    assert parsed.entries[-1].iteration == 7
    assert all(len(entry.action) <= TEXT_LIMIT for entry in parsed.entries)


@given(
    st.lists(
        st.one_of(bad, st.integers(0, 40).map(lambda i: GOOD.replace(b":7,", f":{i},".encode())[:-1])), max_size=12
    ),
    st.integers(-1, 50),
    st.integers(1, 5),
)
def test_pages_of_a_spoilt_log_end_and_never_go_back(lines: list[bytes], after: int, limit: int) -> None:
    async def read() -> None:
        store = MemoryStore()
        await store.put(keys.segment(0, 1), b"\n".join(lines[: len(lines) // 2]))
        await store.put(keys.log(0), b"\n".join(lines[len(lines) // 2 :]))
        reader, place = LogReader(store), after
        for _ in range(len(lines) + 2):
            page = await reader.after(0, place, limit)
            iterations = [entry.iteration for entry in page.entries]
            assert iterations == sorted(set(iterations))
            assert all(iteration > place for iteration in iterations)
            if not page.more:
                return
            place = page.newest
        pytest.fail("there is always another page")

    asyncio.run(read())
