"""A look at the whole flock reads again only what a listing shows in another version."""

from __future__ import annotations

from murmur import keys
from murmur.census import read_status
from murmur.recall import Recall
from tests.unit.api_twins import entry, flock


async def test_a_reading_is_kept_for_the_version_it_was_made_at_and_no_longer() -> None:
    made: list[str] = []

    async def read(key: str) -> str:
        made.append(key)
        return f"{key}, reading {len(made)}"

    recall: Recall[str] = Recall()
    assert await recall.read("a", {}, read, "none") == "none"
    assert await recall.read("a", {"a": "1"}, read, "none") == "a, reading 1"
    assert await recall.read("b", {"a": "1", "b": "1"}, read, "none") == "b, reading 2"
    assert await recall.read("a", {"a": "1"}, read, "none") == "a, reading 1"
    assert await recall.read("a", {"a": "2"}, read, "none") == "a, reading 3"
    assert await recall.read("a", {"b": "1"}, read, "none") == "none"
    assert await recall.read("a", {"a": "2"}, read, "none") == "a, reading 4"  # it was gone meanwhile


async def test_the_second_status_reads_of_agents_only_what_changed() -> None:
    world = flock()
    await world.be("running")
    for agent in range(8):
        await world.log(agent, entry(0, agent=agent))
        await world.heartbeat(agent)
    first = await read_status(world.services)
    before = world.store.requests["GET"]
    assert (await read_status(world.services)).agents == first.agents
    unchanged = world.store.requests["GET"] - before
    await world.log(3, entry(1, agent=3, result="something new"))
    await world.store.put(keys.directive(5), b"Do this.")
    before = world.store.requests["GET"]
    after = await read_status(world.services)
    assert world.store.requests["GET"] - before == unchanged + 1
    assert unchanged < 8
    assert after.agents[3].last is not None
    assert after.agents[3].last.result == "something new"
    assert [agent.id for agent in after.agents if agent.directive] == [5]


async def test_a_document_of_the_run_before_is_nobodys_state_however_often_it_was_read() -> None:
    world = flock()
    await world.be("running")
    await world.heartbeat(0)
    assert (await read_status(world.services)).agents[0].evidence.alive
    await world.be("running", run="20261124T000000Z")
    assert not (await read_status(world.services)).agents[0].evidence.alive
