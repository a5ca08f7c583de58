"""The view: a damaged document is told of once, and the last good one stays in force."""

from __future__ import annotations

import pytest

from agent.reader import SharedReader
from agent.view import View
from murmur import keys
from murmur.config import FlockConfig
from murmur.memory.store import MemoryStore


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
