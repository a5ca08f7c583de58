"""The live picture: entries once and in order, whatever is pushed, lost or repeated; and drawing it."""

import io
import random
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from murmur.cli.client import Client
from murmur.cli.feed import Feed, follow, socket_url
from murmur.cli.find import Target
from murmur.cli.picture import Picture
from murmur.cli.shapes import Status
from murmur.cli.view import draw, ring_text
from tests.unit.test_cli_flock import RUN, FakeFlock, entry, serving, wait_for


def status(run: str = RUN, **logs: list[dict[str, Any]]) -> dict[str, Any]:
    flock = FakeFlock(size=len(logs) or 1, state="running", run=run)
    flock.entries = {int(name[1:]): log for name, log in logs.items()}
    return flock.status()


def said(entries: list[Any]) -> list[tuple[int, int]]:
    return [(found.agent, found.iteration) for found in entries]


def test_pushed_entries_are_taken_once_and_in_order() -> None:
    picture = Picture()
    picture.begin(RUN)
    push = {"type": "entry", "agent": 0, "entries": [entry(1), entry(0)]}
    assert said(picture.apply(push)) == [(0, 0), (0, 1)]
    assert picture.apply(push) == []
    assert said(picture.take_status(status(a0=[entry(0), entry(1), entry(2)]))) == [(0, 2)]
    assert not picture.gaps


def test_a_missing_entry_is_a_gap_until_the_log_was_read() -> None:
    picture = Picture()
    picture.begin(RUN)
    picture.apply({"type": "entry", "agent": 0, "entries": [entry(0)]})
    assert picture.apply({"type": "entry", "agent": 0, "entries": [entry(3)]}) == []
    assert picture.gaps == {0: 0}
    assert said(picture.give_up(0, [entry(1), entry(2), entry(3)])) == [(0, 1), (0, 2), (0, 3)]
    assert not picture.gaps


def test_what_is_not_even_in_the_log_is_not_waited_for() -> None:
    picture = Picture()
    picture.begin(RUN)
    picture.apply({"type": "entry", "agent": 0, "entries": [entry(4)]})
    assert said(picture.give_up(0, [entry(3), entry(4)])) == [(0, 3), (0, 4)]
    assert not picture.gaps


def test_whoever_joins_midway_sees_the_newest_without_reading_everything() -> None:
    picture = Picture()
    log = [entry(n) for n in range(40)]
    assert said(picture.take_status(status(a0=log))) == [(0, 38), (0, 39)]
    assert not picture.gaps


def test_a_new_run_begins_the_picture_anew() -> None:
    picture = Picture()
    picture.take_status(status(a0=[entry(0), entry(1)]))
    picture.apply({"type": "control", "control": {"state": "starting", "run": "later", "reason": ""}})
    assert picture.run == "later"
    assert not picture.recent
    assert said(picture.apply({"type": "entry", "agent": 0, "entries": [entry(0)]})) == [(0, 0)]


def test_sums_move_with_every_push() -> None:
    picture = Picture()
    picture.take_status(status(a0=[entry(0)], a1=[]))
    assert picture.status.totals.wakes == 12
    counters = {"turns": 5, "wakes": 90, "gated": 7, "rescues": 2}
    picture.apply({"type": "agent", "agent": {"id": 1, "status": "turn", "counters": counters}})
    assert picture.status.totals.wakes == 94
    assert picture.status.agents[1].status == "turn"


@pytest.mark.parametrize(
    "message",
    [{}, {"type": "new-kind"}, {"type": "entry"}, {"type": "entry", "agent": 0, "entries": [3, None, {}]},
     {"type": "agent"}, {"type": "agent", "agent": {"id": "x"}}, {"type": "control"}, {"type": "snapshot", "status": 1}],
)  # fmt: skip
def test_a_message_that_is_not_understood_changes_nothing(message: dict[str, Any]) -> None:
    picture = Picture()
    picture.take_status(status(a0=[entry(0)]))
    before = picture.status
    assert picture.apply(message) == []
    assert picture.status == before


@pytest.mark.parametrize("seed", range(20))
def test_any_mixture_of_pushes_and_questions_tells_each_entry_exactly_once(seed: int) -> None:
    chance = random.Random(seed)
    logs: dict[int, list[dict[str, Any]]] = {0: [], 1: []}
    picture, seen = Picture(), []
    picture.begin(RUN)
    for _ in range(200):
        agent = chance.randrange(2)
        if chance.random() < 0.6:
            logs[agent].append(entry(len(logs[agent])))
        if chance.random() < 0.5 and logs[agent]:
            start = chance.randrange(len(logs[agent]))
            seen += picture.apply({"type": "entry", "agent": agent, "entries": logs[agent][start : start + 3]})
        if chance.random() < 0.1:
            seen += picture.take_status(status(a0=logs[0], a1=logs[1]))
        if chance.random() < 0.3:
            for gap, after in list(picture.gaps.items()):
                seen += picture.give_up(gap, logs[gap][after + 1 :])
    seen += picture.take_status(status(a0=logs[0], a1=logs[1]))
    for gap, after in list(picture.gaps.items()):
        seen += picture.give_up(gap, logs[gap][after + 1 :])
    for agent, log in logs.items():
        assert [found.iteration for found in seen if found.agent == agent] == list(range(len(log)))


@pytest.fixture
def flock() -> Iterator[FakeFlock]:
    with serving(FakeFlock(state="running", run=RUN, with_socket=True, entries={0: [entry(0)]})) as running:
        yield running


def test_pushes_arrive_over_the_socket(flock: FakeFlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murmur.cli.feed.ASK_SECONDS", 3600.0)
    with Client(Target(flock.url)) as client:
        feed = follow(client)
        wait_for(lambda: bool(feed.update(0.2)) or bool(feed.picture.recent))
        assert feed.live
        asked = flock.requests.count(("GET", "/cluster/status"))
        flock.push({"type": "entry", "agent": 0, "entries": [entry(1)]})
        wait_for(lambda: said(feed.update(0.2)) == [(0, 1)])
        assert flock.requests.count(("GET", "/cluster/status")) == asked
        feed.close()


def test_a_push_too_large_to_send_makes_the_feed_ask(flock: FakeFlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murmur.cli.feed.ASK_SECONDS", 3600.0)
    with Client(Target(flock.url)) as client:
        feed = follow(client)
        wait_for(lambda: bool(feed.update(0.2)) or bool(feed.picture.recent))
        flock.entries[0].append(entry(1))
        monkeypatch.setattr("murmur.cli.feed.ASK_SECONDS", 1.0)
        flock.push({"type": "reference", "of": "entry", "url": "/cluster/agents/0/log"})
        wait_for(lambda: said(feed.update(0.2)) == [(0, 1)])
        feed.close()


def test_a_lost_socket_costs_nothing_but_a_moment(flock: FakeFlock) -> None:
    with Client(Target(flock.url)) as client:
        feed = follow(client)
        found = feed.update(0.2)
        wait_for(lambda: bool(flock.sockets))
        flock.with_socket = False
        flock.entries[0] += [entry(1), entry(2), entry(3), entry(4)]
        feed._socket.close()  # type: ignore[union-attr]
        while said(found)[-1:] != [(0, 4)]:
            found += feed.update(0.2)
        assert said(found) == [(0, n) for n in range(5)]
        assert not feed.live


def test_without_a_socket_the_feed_asks() -> None:
    with (
        serving(FakeFlock(state="running", run=RUN, entries={0: [entry(0)]})) as flock,
        Client(Target(flock.url)) as client,
    ):
        feed = Feed(client)
        assert said(feed.update(0)) == [(0, 0)]
        flock.entries[0].append(entry(1))
        wait_for(lambda: said(feed.update(0.1)) == [(0, 1)])


@pytest.mark.parametrize(
    ("api", "given", "url"),
    [
        ("http://127.0.0.1:7777", "", "ws://127.0.0.1:7777/live?ticket=a%2Fb"),
        ("https://x.example/prod", "", "wss://x.example/prod/live?ticket=a%2Fb"),
        ("https://x.example", "wss://y.example/live?v=1", "wss://y.example/live?v=1&ticket=a%2Fb"),
    ],
)
def test_where_the_socket_is(api: str, given: str, url: str) -> None:
    assert socket_url(api, given, "a/b") == url


@pytest.mark.parametrize(
    ("agents", "width", "height"), [(3, 200, 50), (3, 40, 12), (64, 100, 30), (64, 100, 100), (0, 20, 5)]
)
def test_the_picture_fits_the_terminal(agents: int, width: int, height: int) -> None:
    logs = {f"a{n}": [entry(i, action="long " * 40) for i in range(3)] for n in range(agents)}
    feed = Feed(FakeFlock())  # type: ignore[arg-type]
    feed.picture.take_status(status(**logs))
    out = Console(file=io.StringIO(), width=width, height=height, markup=False, highlight=False, emoji=False)
    lines = out.render_lines(draw(feed, height, 12.0, "a hint"), pad=False)
    assert len(lines) <= max(height, 8)
    assert all(sum(segment.cell_length for segment in line) <= width for line in lines)
    shown = "\n".join("".join(segment.text for segment in line) for line in lines)
    assert "running" in shown


def test_an_agent_that_reads_many_is_shown_short() -> None:
    assert ring_text((1, 3)) == "1 3"
    assert ring_text(tuple(range(63))) == "0 1 2 3 … (63)"
    assert ring_text(()) == "-"


def test_a_status_of_another_version_is_read_as_far_as_it_goes() -> None:
    assert Status.parse({}).state == "unknown"
    odd = {
        "agents": [None, {}, {"id": 1, "last": 3, "counters": [], "inbox": 4, "neighbours": "x"}],
        "totals": None,
        "run": 5,
    }
    parsed = Status.parse(odd)
    assert [agent.id for agent in parsed.agents] == [1]
    assert parsed.run == "5"
