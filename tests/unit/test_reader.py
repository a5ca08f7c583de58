"""Agents of one host share the read of a version that events told of, and never get an older one."""

from __future__ import annotations

import asyncio

import pytest

from agent.reader import SharedReader
from murmur.errors import ObjectMissing
from murmur.memory.store import MemoryStore
from murmur.ports import StoredObject


class Counting(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        self.reads += 1
        await asyncio.sleep(0.01)
        return await super().get(key, start=start, length=length)


async def test_two_neighbours_told_of_one_version_read_it_once() -> None:
    store = Counting()
    etag = await store.put("k", b"one")
    reader = SharedReader(store)
    found = await asyncio.gather(*(reader.read("k", "", told=etag) for _ in range(5)))
    assert [f.body for f in found if f] == [b"one"] * 5
    assert store.reads == 1
    again = await reader.read("k", "", told=etag)
    assert again is not None
    assert store.reads == 1


async def test_another_version_is_read_anew() -> None:
    store = Counting()
    reader = SharedReader(store)
    first = await store.put("k", b"one")
    await reader.read("k", "", told=first)
    second = await store.put("k", b"two")
    found = await reader.read("k", first, told=second)
    assert found is not None
    assert found.body == b"two"


async def test_looking_for_oneself_asks_the_store_and_hears_that_nothing_changed() -> None:
    store = Counting()
    reader = SharedReader(store)
    etag = await store.put("k", b"one")
    await reader.read("k", "", told=etag)
    assert await reader.read("k", etag) is None
    await store.put("k", b"two")
    found = await reader.read("k", etag)
    assert found is not None
    assert found.body == b"two"


async def test_one_that_stops_waiting_does_not_take_the_answer_from_the_other() -> None:
    store = Counting()
    etag = await store.put("k", b"one")
    reader = SharedReader(store)
    one = asyncio.create_task(reader.read("k", "", told=etag))
    two = asyncio.create_task(reader.read("k", "", told=etag))
    await asyncio.sleep(0)
    one.cancel()
    found = await two
    assert found is not None


async def test_a_missing_object_is_told_to_everyone_and_not_remembered() -> None:
    store = Counting()
    reader = SharedReader(store)
    for _ in range(2):
        with pytest.raises(ObjectMissing):
            await reader.read("k", "", told="x")
    etag = await store.put("k", b"one")
    assert await reader.read("k", "", told=etag)
