"""The version before the present one: kept for what was replaced, computed for what grew, one a turn, and never in the way."""

from random import Random

import pytest

from agent.tools.desk import Desk
from functions.lifecycle.archive import archive
from murmur import keys, versions
from murmur.errors import Unavailable
from murmur.memory.store import MemoryStore
from tests.unit.api_twins import RUN, flock

FILE = "output/a.md"


def desk_of(store, agent, iteration):
    return Desk(store, agent, frozenset({0, 1, 2, 3}), iteration, random=Random(agent * 100 + iteration))


async def write(store, agent, iteration, text, mode="write"):
    desk = desk_of(store, agent, iteration)
    if mode == "write" and text is not None:
        await desk.fs_read(FILE)
    await desk.fs_write(FILE, text, mode)
    return desk


async def before(store, run=""):
    """What the version before says, and who wrote it."""
    _, kept = await versions.find(store, FILE, run)
    if kept is None:
        return None
    body = (await store.get(kept.key, length=kept.version.size)).body.decode()
    return body, kept.version.agent, kept.version.iteration


async def test_a_file_written_once_has_no_previous_version():
    store = MemoryStore()
    await write(store, 1, 0, "one", "create")
    assert await before(store) is None


async def test_what_was_replaced_is_kept_with_who_had_written_it():
    store = MemoryStore()
    await write(store, 1, 0, "one", "create")
    await write(store, 2, 5, "two")
    assert await before(store) == ("one", 1, 0)
    await write(store, 3, 9, "three")
    assert await before(store) == ("two", 2, 5)
    assert [item.key for item in (await store.list(keys.VERSIONS)).objects] == ["versions/output/a.md"]


async def test_what_grew_needs_no_copy():
    store = MemoryStore()
    await write(store, 1, 0, "one\n", "create")
    await write(store, 2, 5, "two\n", "append")
    assert await before(store) == ("one\n", 1, 0)
    assert (await store.list(keys.VERSIONS)).objects == ()


@pytest.mark.parametrize("first", ["append", "write"])
@pytest.mark.parametrize("second", ["append", "write"])
async def test_several_writes_of_one_turn_count_as_one(first, second):
    store = MemoryStore()
    await write(store, 1, 0, "one\n", "create")
    desk = await write(store, 2, 5, "two\n", first)
    await desk.fs_read(FILE)
    await desk.fs_write(FILE, "three\n", second)
    assert await before(store) == ("one\n", 1, 0)


async def test_a_replacement_after_an_append_shows_what_the_append_left():
    store = MemoryStore()
    await write(store, 1, 0, "one\n", "create")
    await write(store, 2, 5, "two\n", "append")
    await write(store, 3, 0, "new\n")
    assert await before(store) == ("one\ntwo\n", 2, 5)


async def test_a_copy_that_is_not_of_the_version_before_is_not_shown_as_one():
    store = MemoryStore()
    await write(store, 1, 0, "one", "create")
    await write(store, 2, 5, "two")
    head = await store.head(FILE)
    mark = {"agent": "3", "iteration": "1", "write": "x"}
    await store.replace(FILE, b"three", head.etag, metadata=mark)  # and then the writer died
    assert await before(store) is None


async def test_a_write_succeeds_although_its_previous_version_cannot_be_kept(monkeypatch):
    store = MemoryStore()
    await write(store, 1, 0, "one", "create")

    async def away(*_args, **_more):
        raise Unavailable("The store is away.", "Wait.")

    desk = desk_of(store, 2, 5)
    await desk.fs_read(FILE)
    monkeypatch.setattr(store, "put", away)
    await desk.fs_write(FILE, "two")
    assert (await store.get(FILE)).body == b"two"
    assert await before(store) is None


async def test_the_versions_of_an_archived_run_stay_readable():
    world = flock()
    await write(world.store, 1, 0, "one", "create")
    await write(world.store, 2, 5, "two")
    await archive(world.store, RUN)
    assert await before(world.store, RUN) == ("one", 1, 0)
    assert (await world.store.list(keys.VERSIONS)).objects == ()
    told = (await world.call("GET", f"/cluster/history/{RUN}/versions", {"key": "a.md"})).json
    assert (told["current"]["agent"], told["previous"]["agent"], told["previous"]["size"]) == (2, 1, 3)
    old = await world.call("GET", f"/cluster/history/{RUN}/file", {"key": "a.md", "version": "previous"})
    assert (old.body, old.headers["Murmur-Size"]) == (b"one", "3")


async def test_the_api_reads_a_grown_file_only_as_far_as_it_was():
    world = flock()
    await write(world.store, 1, 0, "# one\n", "create")
    await write(world.store, 2, 5, "<script>two\n", "append")
    old = await world.call("GET", "/cluster/habitat/file", {"key": FILE, "version": "previous"})
    assert old.body == b"# one\n"
    part = await world.call("GET", "/cluster/habitat/file", {"key": FILE, "version": "previous", "offset": "2"})
    assert part.body == b"one\n"
    html = await world.call("GET", "/cluster/habitat/file", {"key": FILE, "version": "previous", "rendered": "html"})
    assert html.body == b"<h1>one</h1>\n"
    assert "sandbox" in old.headers["Content-Security-Policy"]


async def test_an_upload_over_reference_material_keeps_what_was_there():
    world = flock()
    query = {"key": "given.txt"}
    await world.call("PUT", "/cluster/knowledge", query, raw=b"one")
    assert (await world.call("GET", "/cluster/knowledge/versions", query)).json["previous"] is None
    missing = await world.call("GET", "/cluster/knowledge/file", {**query, "version": "previous"})
    assert (missing.status, missing.json["code"]) == (404, "not_found")
    await world.call("PUT", "/cluster/knowledge", query, raw=b"two")
    await world.call("PUT", "/cluster/knowledge", query, raw=b"two")
    old = await world.call("GET", "/cluster/knowledge/file", {**query, "version": "previous"})
    assert old.body == b"one"
    assert (await world.call("GET", "/cluster/knowledge/versions", {"key": "none"})).status == 404
