"""Keys, cursors and the configuration: what is read back is what was said, and nothing passes for something else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur import keys
from murmur.config import FlockConfig
from murmur.cursor import Cursor, listing_version
from murmur.entry import LogEntry
from murmur.errors import InvalidConfig, InvalidInput
from murmur.ports import ObjectInfo
from murmur.ring import ALGORITHMS
from murmur.simulate.time import EPOCH
from murmur.state import AgentState

agents = st.integers(0, 999_999)
SPELLINGS = (
    (keys.agent_of_log, keys.log),
    (keys.agent_of_directive, keys.directive),
    (keys.agent_of_state, keys.state),
)


@given(agents, agents, st.integers(1, 99_999))
def test_every_kind_of_key_names_its_agent_and_no_other_kind(one: int, other: int, number: int) -> None:
    for read, spell in SPELLINGS:
        assert read(spell(one)) == one
        assert (spell(one) == spell(other)) == (one == other)
        for _, another in SPELLINGS:
            assert another is spell or read(another(one)) is None
        assert read(keys.history("r", spell(one))) is None
        assert read(keys.OUTPUT + spell(one)) is None
    assert keys.segment_number(keys.segment(one, number)) == number
    assert keys.segment(one, number).startswith(keys.segments(one))
    assert keys.segment(one, number).startswith(keys.segments(other)) == (one == other)


near_misses = st.builds(
    lambda text, place, extra: text[:place] + extra + text[place:],
    st.sampled_from([spell(7) for _, spell in SPELLINGS]),
    st.integers(0, 30),
    st.text("0123456789٣/.-agent\n ", max_size=2),
)


@given(st.text(max_size=40) | near_misses)
def test_what_is_not_spelled_exactly_so_is_no_log(text: str) -> None:
    for read, spell in SPELLINGS:
        agent = read(text)
        assert agent is None or spell(agent) == text


marks = st.dictionaries(st.integers(0, 5), st.integers(-1, 9), max_size=4)
papers = st.dictionaries(st.sampled_from(("direction", "config", "output")), st.sampled_from(("", "1", "2")))


@given(marks, marks, marks)
def test_cursors_advance_in_any_order_to_the_same_place(first: Any, second: Any, third: Any) -> None:
    one = Cursor(first).advanced(second, {}).advanced(third, {})
    other = Cursor(first).advanced(third, {}).advanced(second, {})
    assert all(one.past(agent) == other.past(agent) for agent in range(6))
    again = one.advanced(second, {})
    assert all(one.past(agent) == again.past(agent) for agent in range(6))


@given(marks, papers, marks, papers, st.integers(0, 3), st.integers(-1, 3), st.booleans())
def test_a_restarted_agent_stands_where_its_line_and_its_state_say_it_stood(
    seen: Any, read: Any, later: Any, newer: Any, line: int, state: int, failed: bool
) -> None:
    entry = LogEntry(
        ts="t", iteration=line, action="", result="", next_intent="", seen=seen, seen_documents=read, failed=failed
    )
    document = AgentState(agent=0, run="r", iteration=state, seen=later, seen_documents=newer)
    cursor = Cursor.restored(entry, document)
    for agent in range(6):
        said = -1 if failed else seen.get(agent, -1)
        assert cursor.past(agent) == max(-1, said, later.get(agent, -1))
    expected = {**({} if failed else read), **(newer if state >= line else {})}
    assert dict(cursor.documents) == expected


files = st.dictionaries(
    st.text("ab/é\U0001f426", min_size=1, max_size=4).map(keys.OUTPUT.__add__), st.sampled_from("12"), max_size=4
)


@given(files, files, st.randoms())
def test_two_listings_have_one_version_if_and_only_if_they_are_the_same(one: Any, other: Any, random: Any) -> None:
    def listed(found: dict[str, str]) -> list[ObjectInfo]:
        items = [ObjectInfo(key, etag, 1, EPOCH) for key, etag in found.items()]
        random.shuffle(items)
        return items

    assert (listing_version(listed(one)) == listing_version(listed(other))) == (one == other)
    assert listing_version(listed(one), other) == listing_version(listed({**one, **other}))


good = st.fixed_dictionaries(
    {},
    optional={
        "concurrency": st.integers(1, 1500),
        "neighbourRadius": st.just(1),
        "algorithm": st.sampled_from(tuple(ALGORITHMS)),
        "loopIntervalSeconds": st.floats(0.5, 3600),
        "maxTurnsPerAgent": st.integers(1, 100_000),
        "outputNews": st.booleans(),
    },
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
anything = json_values | st.dictionaries(
    st.sampled_from([*FlockConfig.model_fields]) | st.text(max_size=10), json_values, max_size=4
)


@given(good, good)
def test_a_merge_changes_what_it_names_and_keeps_the_rest(first: Any, second: Any) -> None:
    merged = FlockConfig.parse(first).merged(second)
    expected = {**FlockConfig().model_dump(), **first, **second}
    assert merged.model_dump() == expected
    assert FlockConfig.from_json(merged.to_json()) == merged


@given(good, anything)
def test_a_bad_merge_says_which_field_and_changes_nothing(first: Any, changes: Any) -> None:
    config = FlockConfig.parse(first)
    before = config.model_dump()
    wrong: InvalidConfig | None = None
    try:
        merged = config.merged(changes)
        assert merged.model_dump() == {**before, **changes}
        json.dumps(merged.model_dump(), allow_nan=False)
    except InvalidConfig as error:
        wrong = error
    except InvalidInput:
        assert not isinstance(changes, dict)
    if wrong is not None:
        assert wrong.field
        assert wrong.rule
        assert len(wrong.message) < 1000
    assert config.model_dump() == before


@given(st.binary(max_size=80) | anything.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_of_config_json_raise_anything_but_what_says_so(body: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        config = FlockConfig.from_json(body)
        assert FlockConfig.from_json(config.to_json()) == config


def test_deeply_nested_config_is_refused_and_not_run_into() -> None:
    with pytest.raises(InvalidInput):
        FlockConfig.from_json(b"[" * 100_000)
