"""The view: a damaged document is told of once, and the last good one stays in force; news that a tail holds no more is found."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from agent.journal import Journal, Rolling
from agent.loop import AgentLoop
from agent.reader import SharedReader
from agent.view import View
from murmur import keys
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.cursor import Cursor
from murmur.errors import Unavailable
from murmur.memory.inbox import MemoryInbox
from murmur.memory.store import MemoryStore
from murmur.ports import StoredObject
from murmur.simulate.time import VirtualClock, run
from murmur.state import AgentState
from tests.unit.api_twins import entry
from tests.unit.test_wake_path import Mind


async def test_a_damaged_configuration_is_logged_once_and_the_last_good_one_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore()
    await store.put(keys.CONFIG, FlockConfig(concurrency=8, neighbourRadius=2).to_json())
    view = View(store, SharedReader(store), 0, 8, "r")
    await view.look()
    await store.put(keys.CONFIG, b"{broken")
    await view.look()
    await view.look()
    assert view.neighbours == (1, 2, 6, 7)
    assert len([r for r in caplog.records if "last good config.json" in r.getMessage()]) == 1


class Unread(MemoryStore):
    """Its segments are not to be had."""

    asked = 0

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        if key.startswith(keys.SEGMENTS):
            self.asked += 1
            raise Unavailable("S3 does not answer", remedy="try again")
        return await super().get(key, start=start, length=length)


async def rolled(news_at: int, lines: int, store: MemoryStore | None = None, first: int = 0) -> MemoryStore:
    """A store in which agent 1 wrote so many idle lines, one of them with a file, and keeps the last two in its log."""
    store = store or MemoryStore()
    journal = Journal(store, SystemClock(), 1, "r", Rolling(bytes=600, keep_lines=2))
    await journal.open()
    for iteration in range(first, first + lines):
        files = ("output/part",) if iteration == news_at else ()
        await journal.append(entry(iteration, agent=1, state="idle", files=files, result="x" * 80))
    return store


@pytest.mark.parametrize(
    ("algorithm", "seen", "found"),
    [
        ("amorphous", 2, [5]),  # rolled away after the cursor: owed
        ("amorphous", 5, []),  # taken into account
        ("amorphous", -1, [5]),  # nothing read yet
        ("swarm", 2, [5]),
        ("swarm", -1, []),  # it came to read this log only now
    ],
)
async def test_news_that_rolled_out_of_a_neighbours_log_before_it_was_seen_is_found(
    algorithm: str, seen: int, found: list[int]
) -> None:
    store = await rolled(news_at=5, lines=20)
    config = FlockConfig.model_validate({"concurrency": 2, "algorithm": algorithm, "swarmK": 1})
    await store.put(keys.CONFIG, config.to_json())
    cursor = Cursor({1: seen} if seen >= 0 else {})
    view = View(store, SharedReader(store), 0, 2, "r")
    await view.look()
    before = view.new_entries(cursor)[1]
    assert before[0].iteration > 6
    assert not any(entry.is_news for entry in before)
    await view.reach_back(cursor)
    after = view.new_entries(cursor)[1]
    assert [entry.iteration for entry in after if entry.is_news] == found
    assert view.newest() == {1: 19}


async def test_nothing_is_read_back_where_the_tail_joins_the_cursor_or_holds_news() -> None:
    store = await rolled(news_at=19, lines=20)
    await store.put(keys.CONFIG, FlockConfig(concurrency=2).to_json())
    view = View(store, SharedReader(store), 0, 2, "r")
    await view.look()
    first = view.tails()[1][0].iteration
    before = store.requests.copy()
    await view.reach_back(Cursor({1: first - 1}))
    await view.reach_back(Cursor({1: 2}))
    assert store.requests == before


async def test_what_was_read_back_in_vain_is_not_read_again() -> None:
    store = await rolled(news_at=-1, lines=20)
    await store.put(keys.CONFIG, FlockConfig(concurrency=2).to_json())
    cursor = Cursor({1: 2})
    view = View(store, SharedReader(store), 0, 2, "r")
    await view.look()
    await view.reach_back(cursor)
    before = store.requests.copy()
    await view.reach_back(cursor)
    assert store.requests == before
    await rolled(news_at=22, lines=20, store=store, first=20)
    await view.look()
    await view.reach_back(cursor)
    await view.look()
    await view.reach_back(cursor)
    assert [entry.iteration for entry in view.new_entries(cursor)[1] if entry.is_news] == [22]
    await view.reach_back(Cursor({1: 22}))
    await rolled(news_at=-1, lines=10, store=store, first=40)
    await view.look()
    await view.reach_back(Cursor({1: 22}))
    assert not any(entry.is_news for entry in view.new_entries(Cursor({1: 22}))[1])
    await view.reach_back(Cursor())  # further back than it had looked
    assert [entry.iteration for entry in view.new_entries(Cursor())[1] if entry.is_news] == [22]


def test_a_stop_while_reading_back_does_not_pass_what_was_not_read() -> None:
    async def main() -> None:
        store = Unread(clock := VirtualClock())
        await rolled(news_at=5, lines=20, store=store)
        await store.put(keys.CONFIG, FlockConfig(concurrency=2).to_json())
        await store.put(keys.CONTROL, Control(state="running", run="r").to_json())
        view = View(store, SharedReader(store), 0, 2, "r")
        await view.look()
        stood = {"seen": {1: 2}, "seen_documents": view.documents()}
        own = Journal(store, clock, 0, "r")
        await own.open()
        await own.append(entry(0, agent=0, state="idle", **stood))
        await store.put(keys.state(0), AgentState(agent=0, run="r", host="h", iteration=0, **stood).to_json())
        loop = AgentLoop(
            store=store,
            reader=SharedReader(store),
            inbox=MemoryInbox(clock),
            clock=clock,
            random=Random(1),
            mind=Mind(),
            agent=0,
            size=2,
            run="r",
            host="h",
        )
        living = asyncio.ensure_future(loop.run())
        await asyncio.sleep(60.0)
        assert store.asked
        loop.stop()
        assert await living == "stopped"
        left = AgentState.from_json((await store.get(keys.state(0))).body)
        assert left is not None
        assert left.activity == "stopped"
        assert dict(left.seen) == {1: 2}

    run(main())
