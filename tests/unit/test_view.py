"""The view: a damaged document is told of once, and the last good one stays in force; news that a tail holds no more is found."""

from __future__ import annotations

import pytest

from agent.journal import Journal, Rolling
from agent.reader import SharedReader
from agent.view import View
from murmur import keys
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.cursor import Cursor
from murmur.memory.store import MemoryStore
from tests.unit.api_twins import entry


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


async def rolled(news_at: int, lines: int) -> MemoryStore:
    """A store in which agent 1 wrote so many idle lines, one of them with a file, and keeps the last two in its log."""
    store = MemoryStore()
    journal = Journal(store, SystemClock(), 1, "r", Rolling(bytes=600, keep_lines=2))
    await journal.open()
    for iteration in range(lines):
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
