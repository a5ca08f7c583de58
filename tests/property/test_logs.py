"""Logs cut, split and rolled anywhere read as what was written."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from murmur import keys
from murmur.entry import LogEntry, join, parse_log
from murmur.logs import LogReader
from murmur.memory.store import MemoryStore

json_values = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
own_fields = frozenset(LogEntry.model_fields)
any_text = st.text(st.characters(codec=None), max_size=60)
"""Also half characters, which UTF-8 cannot say."""


@st.composite
def entries(draw: st.DrawFn, iteration: int | None = None) -> LogEntry:
    """An entry with whatever words, and fields of a later version."""
    more: dict[str, Any] = draw(
        st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda n: n not in own_fields), json_values, max_size=2)
    )
    return LogEntry(
        **more,
        ts=draw(st.sampled_from(("2026-01-01T00:00:00.000Z", "", "yesterday"))),
        iteration=draw(st.integers(0, 99)) if iteration is None else iteration,
        action=draw(any_text),
        result=draw(any_text),
        next_intent=draw(any_text),
        state=draw(st.sampled_from(("working", "idle"))),
        cause=draw(st.sampled_from(("start", "neighbour", "interval"))),
        seen=draw(st.dictionaries(st.integers(0, 9), st.integers(0, 99), max_size=3)),
        files=tuple(draw(st.lists(st.text(max_size=20), max_size=2))),
        failed=draw(st.booleans()),
        wake_ms=draw(st.none() | st.integers(0, 10**6)),
    )


@given(entries())
def test_an_entry_reads_as_it_was_written_unknown_fields_and_all(written: LogEntry) -> None:
    line = written.to_line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    read = LogEntry.from_line(line)
    assert read == written
    assert read.to_line() == line
    assert (read.model_extra or {}) == (written.model_extra or {})


@given(any_text, any_text)
def test_half_characters_never_reach_the_log(action: str, name: str) -> None:
    entry = LogEntry(ts="t", iteration=0, action=action, result="", next_intent="", files=(name,))
    assert LogEntry.from_line(entry.to_line()).iteration == 0


numbered = st.integers(1, 12).flatmap(lambda n: st.tuples(*(entries(iteration=i) for i in range(n))))


@given(numbered, st.data())
def test_the_tail_of_a_log_holds_exactly_the_lines_that_are_whole_in_it(
    log: tuple[LogEntry, ...], data: st.DataObject
) -> None:
    lines = [entry.to_line() for entry in log]
    body = b"".join(lines)
    cut = data.draw(st.integers(0, len(body)))
    parsed = parse_log(body[cut:], partial=True)
    begins = [sum(map(len, lines[:place])) for place in range(len(lines))]
    assert parsed.entries == tuple(entry for entry, begin in zip(log, begins, strict=True) if begin > cut)
    assert parsed.bad_lines == 0


@given(numbered, st.data())
def test_a_log_cut_short_loses_at_most_its_last_line(log: tuple[LogEntry, ...], data: st.DataObject) -> None:
    body = b"".join(entry.to_line() for entry in log)
    parsed = parse_log(body[: data.draw(st.integers(0, len(body)))])
    assert parsed.entries == log[: len(parsed.entries)]
    assert parsed.bad_lines <= 1


@given(numbered, st.data())
def test_parts_that_overlap_anywhere_join_to_the_log(log: tuple[LogEntry, ...], data: st.DataObject) -> None:
    lines = [entry.to_line() for entry in log]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=3)))
    parts, start = [], 0
    for cut in [*cuts, len(lines)]:
        parts.append(b"".join(lines[max(0, start - data.draw(st.integers(0, 2))) : cut]))
        start = cut
    assert join(parts) == log


async def stored(lines: list[bytes], cuts: list[int]) -> LogReader:
    """A log rolled at ``cuts``, as it lies in the bucket."""
    store, start = MemoryStore(), 0
    for number, cut in enumerate(cuts, 1):
        await store.put(keys.segment(0, number), b"".join(lines[start:cut]))
        start = cut
    await store.put(keys.log(0), b"".join(lines[start:]))
    return LogReader(store)


@given(st.integers(1, 30), st.integers(0, 3000), st.data())
@example(30, 3000, None)
def test_pages_of_a_rolled_log_hold_every_entry_once_and_in_order(
    n: int, padding: int, data: st.DataObject | None
) -> None:
    log = [
        LogEntry(ts="t", iteration=i, action=f"did {i}", result="", next_intent="", pad="x" * padding) for i in range(n)
    ]
    lines = [entry.to_line() for entry in log]
    whole = st.integers(1, n)
    cuts = sorted(data.draw(st.lists(whole, max_size=4, unique=True))) if data else [10, 20]
    limit, newest = (data.draw(whole), data.draw(whole)) if data else (7, 25)
    after = data.draw(st.integers(-1, n)) if data else 3

    async def read() -> None:
        reader = await stored(lines, cuts)
        found: list[LogEntry] = []
        more, place = True, after
        while more:
            page = await reader.after(0, place, limit)
            assert page.bad_lines == 0
            assert page.entries or not page.more
            found += page.entries
            more, place = page.more, page.newest
        assert found == log[after + 1 :]
        last = (await reader.newest(0, newest)).entries
        assert list(last) == log[n - len(last) :]
        assert last or n == cuts[-1]

    asyncio.run(read())
