"""Properties of the pure parts, for every size, radius and line."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from murmur import keys, ring
from murmur.change import Change, order
from murmur.config import FlockConfig
from murmur.cursor import Cursor, listing_version
from murmur.entry import TEXT_LIMIT, LogEntry, join, one_line, parse_log
from murmur.pattern import PATTERN_LIMIT, wakes_anyone, wiring_for
from murmur.roster import Roster

sizes = st.integers(1, 200)
radii = st.integers(0, 250)


@given(sizes, radii)
def test_ring_is_symmetric_never_reads_itself_and_has_twice_the_radius_neighbours(n: int, r: int) -> None:
    near = {i: ring.ring_neighbours(i, n, r) for i in range(n)}
    for i, others in near.items():
        assert i not in others
        assert len(set(others)) == len(others) == min(2 * r, n - 1)
        assert all(0 <= other < n and i in near[other] for other in others)


algorithms = st.sampled_from(tuple(ring.ALGORITHMS))


@given(algorithms, sizes, radii)
def test_nobody_reads_itself_a_stranger_or_anybody_twice(algorithm: ring.Algorithm, n: int, r: int) -> None:
    for agent in range(n):
        near = ring.neighbours(algorithm, agent, n, r)
        assert list(near) == sorted({*near} & {*range(n)} - {agent})


@given(algorithms, st.integers(1, 60), st.integers(1, 30))
def test_news_reaches_everyone_within_the_hops_promised(algorithm: ring.Algorithm, n: int, r: int) -> None:
    readers = {writer: {a for a in range(n) if writer in ring.neighbours(algorithm, a, n, r)} for writer in range(n)}
    assert ring.hops_to_everyone(algorithm, n, r) == max(hops_from(writer, readers) for writer in range(n))


def hops_from(writer: int, readers: dict[int, set[int]]) -> int:
    """How often a line must be passed on until all have heard of it; all must be able to."""
    reached, hops = {writer}, 0
    while len(reached) < len(readers):
        further = reached.union(*(readers[agent] for agent in reached))
        assert further > reached, f"what agent-{writer} says never reaches everyone"
        reached, hops = further, hops + 1
    return hops


@given(sizes, st.data())
def test_pattern_matches_exactly_what_the_agent_reads_or_is_everything_but_its_own_log(
    n: int, data: st.DataObject
) -> None:
    r = data.draw(st.integers(1, max(1, n // 2)))
    agent = data.draw(st.integers(0, n - 1))
    algorithm = data.draw(st.sampled_from(tuple(ring.ALGORITHMS)))
    config = FlockConfig(concurrency=n, neighbourRadius=r, algorithm=algorithm)
    wiring = wiring_for("a-bucket", config, agent)
    assert len(wiring.pattern_json()) <= PATTERN_LIMIT
    assert not wiring.matches(keys.log(agent))
    for other in ring.neighbours(algorithm, agent, n, r):
        assert wiring.matches(keys.log(other))
    for key in (keys.DIRECTION, keys.CONFIG, keys.CONTROL, keys.directive(agent)):
        assert wiring.matches(key)
        assert wakes_anyone(key)
    if wiring.only:
        strangers = set(range(n)) - set(ring.ring_neighbours(agent, n, r))
        assert not any(wiring.matches(keys.log(other)) for other in strangers)
    assert not wakes_anyone(keys.state(agent))
    assert not wakes_anyone(keys.OUTPUT + "x")


texts = st.text(max_size=400)
entries = st.builds(
    LogEntry,
    ts=st.just("2026-01-01T00:00:00.000Z"),
    iteration=st.integers(0, 10_000),
    action=texts,
    result=texts,
    next_intent=texts,
    state=st.sampled_from(["working", "idle"]),
    files=st.lists(texts, max_size=3).map(tuple),
)


@given(st.lists(entries, max_size=6))
def test_entries_survive_a_round_trip_through_the_log(written: list[LogEntry]) -> None:
    body = b"".join(entry.to_line() for entry in written)
    assert body.count(b"\n") == len(written)
    parsed = parse_log(body)
    assert parsed.bad_lines == 0
    assert list(parsed.entries) == written


@given(texts)
def test_words_of_an_entry_are_one_printable_line_of_bounded_length(text: str) -> None:
    line = one_line(text)
    assert len(line) <= TEXT_LIMIT
    assert line.isprintable()


@given(
    st.lists(
        st.one_of(entries.map(LogEntry.to_line), st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"") + b"\n"))
    )
)
def test_broken_lines_never_hide_a_good_one(lines: list[bytes]) -> None:
    good = sum(line.startswith(b'{"ts"') for line in lines)
    assert len(parse_log(b"".join(lines)).entries) >= good


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parser_fail(body: bytes) -> None:
    parse_log(body)
    parse_log(body, partial=True)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40))
def test_a_log_in_two_overlapping_parts_reads_as_one(count: int, cut: int, overlap: int) -> None:
    lines = [LogEntry(ts="t", iteration=i, action="", result="", next_intent="").to_line() for i in range(count)]
    first, second = lines[: min(cut + overlap, count)], lines[min(cut, count) :]
    assert [e.iteration for e in join([b"".join(first), b"".join(second)])] == list(range(count))


@given(st.integers(0, 2**64), st.integers(0, 2**64))
def test_sequencers_compare_as_numbers_whatever_their_length(a: int, b: int) -> None:
    change = Change("k", "", f"{a:X}", 0, "", "")
    assert change.newer_than(f"{b:016x}") == (a > b)
    assert order("") < order("0")


@given(st.dictionaries(st.integers(0, 5), st.integers(-1, 9)), st.dictionaries(st.integers(0, 5), st.integers(-1, 9)))
def test_a_cursor_never_moves_back(first: dict[int, int], second: dict[int, int]) -> None:
    moved = Cursor(first).advanced(second, {})
    for agent in range(6):
        assert moved.past(agent) == max(first.get(agent, -1), second.get(agent, -1))


@given(sizes, st.integers(1, 128))
def test_roster_places_every_agent_once_and_evenly(n: int, per: int) -> None:
    roster = Roster.plan("r", FlockConfig(concurrency=n, agentsPerInstance=per), "")
    placed = [agent for agents in roster.hosts.values() for agent in agents]
    assert placed == list(range(n))
    loads = [len(agents) for agents in roster.hosts.values()]
    assert max(loads) <= per
    assert max(loads) - min(loads) <= 1


def test_config_round_trips_and_unknown_listing_order_does_not_matter() -> None:
    config = FlockConfig(concurrency=12, neighbourRadius=3)
    assert FlockConfig.from_json(config.to_json()) == config
    assert json.loads(config.to_json())["neighbourRadius"] == 3
    assert listing_version([]) == ""
    assert listing_version([], {"output/a": "1", "output/b": "2"}) == listing_version(
        [], {"output/b": "2", "output/a": "1"}
    )
    assert listing_version([], {"output/a": "1"}) != listing_version([], {"output/a": "2"})
    assert listing_version([], {"knowledge-base/a": "1"}) == ""
