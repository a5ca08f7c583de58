"""What every Fabric promises: who hears of which write."""

import asyncio
import json

import pytest

from murmur import keys
from murmur.change import parse_change
from murmur.config import FlockConfig
from murmur.errors import NotFound
from murmur.pattern import Wiring, wiring_for
from murmur.ports import Inbox, Message
from tests.contract.worlds import RUN, World, collect

LAST = "control.json"
"""Wakes everybody: what a reader has when this arrives is all it will have."""


async def wire(world: World, config: FlockConfig, run: str = RUN) -> list[Inbox]:
    await asyncio.gather(
        *(world.fabric.wire(run, n, wiring_for(world.bucket, config, n)) for n in range(config.concurrency))
    )
    return [world.fabric.inbox(run, n) for n in range(config.concurrency)]


def key_of(message: Message) -> str:
    return str(json.loads(message.body)["detail"]["object"]["key"])


async def heard(inbox: Inbox) -> list[str]:
    """All keys heard of until ``LAST``, which is not among them."""
    keys_heard: list[str] = []
    while True:
        for message in await collect(inbox, 1):
            keys_heard.append(key_of(message))
            await inbox.delete([message])
        if LAST in keys_heard:
            # Deliveries to one queue may overtake one another: what is still under way is given a moment.
            keys_heard += [key_of(message) for message in await inbox.receive(0.3)]
            return sorted(key for key in keys_heard if key != LAST)


async def test_a_log_is_heard_of_by_its_neighbours_and_nobody_else(world: World):
    config = FlockConfig(concurrency=8, neighbourRadius=1)
    inboxes = await wire(world, config)
    for n in range(8):
        await world.store.put(keys.log(n), b"x")
    await world.store.put(LAST, b"x")
    for n, inbox in enumerate(inboxes):
        assert await heard(inbox) == sorted(keys.log(other % 8) for other in (n - 1, n + 1))


async def test_the_operators_documents_are_heard_of_by_all_and_a_directive_by_its_agent(world: World):
    inboxes = await wire(world, FlockConfig(concurrency=3, neighbourRadius=1))
    for key in ("direction.md", "config.json", keys.directive(1)):
        await world.store.put(key, b"x")
    await world.store.put(LAST, b"x")
    both = ["config.json", "direction.md"]
    assert [await heard(inbox) for inbox in inboxes] == [both, [*both, keys.directive(1)], both]


async def test_what_wakes_nobody_reaches_nobody(world: World):
    if world.kind == "moto":
        pytest.skip("moto brings S3 events to every bus, past the rule that forwards (research/cdk.md)")
    inboxes = await wire(world, FlockConfig(concurrency=3, neighbourRadius=1, algorithm="mesh"))
    for key in (
        "output/a.md",
        "state/agent-0.json",
        "knowledge-base/a",
        "roster.json",
        "segments/agent-0.00001.ndjson",
    ):
        await world.store.put(key, b"x")
    await world.store.put(LAST, b"x")
    assert [await heard(inbox) for inbox in inboxes] == [[], [], []]


@pytest.mark.parametrize("algorithm", ["mesh", "swarm"])
async def test_where_everyone_reads_everyone_all_is_heard_but_the_own_log(world: World, algorithm):
    inboxes = await wire(world, FlockConfig(concurrency=3, neighbourRadius=1, algorithm=algorithm))
    for n in range(3):
        await world.store.put(keys.log(n), b"x")
    await world.store.put(LAST, b"x")
    for n, inbox in enumerate(inboxes):
        assert await heard(inbox) == [keys.log(other) for other in range(3) if other != n]


async def test_a_deleted_document_is_heard_of(world: World):
    inbox = await world.inbox("direction.md")
    await world.store.put("direction.md", b"x")
    (made,) = await collect(inbox, 1)
    await inbox.delete([made])
    await world.store.delete(["direction.md"])
    (gone,) = await collect(inbox, 1)
    assert parse_change(gone.body).deleted


async def test_every_write_is_one_message(world: World):
    inbox = await world.inbox(keys.log(1))
    etag = await world.store.create(keys.log(1), b"1")
    etag = await world.store.replace(keys.log(1), b"2", etag)
    await world.store.replace(keys.log(1), b"3", etag)
    assert len(await collect(inbox, 3)) == 3
    assert await inbox.receive(0.3) == []


async def test_wiring_anew_keeps_what_waits_and_counts_from_then_on(world: World):
    inbox = await world.inbox(keys.log(1))
    await world.store.put(keys.log(1), b"x")
    while (await inbox.depth()).visible < 1:
        await asyncio.sleep(0.05)
    await world.fabric.wire(RUN, 0, Wiring(world.bucket, (keys.log(2),)))
    await world.fabric.wire(RUN, 0, Wiring(world.bucket, (keys.log(2),)))
    await world.store.put(keys.log(1), b"y")
    await world.store.put(keys.log(2), b"z")
    assert sorted(key_of(message) for message in await collect(inbox, 2)) == [keys.log(1), keys.log(2)]
    assert await inbox.receive(0.3) == []
    assert len(await world.fabric.circuits(RUN)) == 1


async def test_the_fabric_shows_its_circuits(world: World):
    config = FlockConfig(concurrency=12, neighbourRadius=2)
    assert await world.fabric.circuits(RUN) == []
    await wire(world, config)
    circuits = await world.fabric.circuits(RUN)
    assert [circuit.agent for circuit in circuits] == list(range(12))
    for circuit in circuits:
        assert circuit.pattern == wiring_for(world.bucket, config, circuit.agent).pattern()
        assert circuit.rule.endswith(f"{RUN}-agent-{circuit.agent}")
        assert circuit.queue == circuit.rule


async def test_unwiring_leaves_nothing(world: World):
    await wire(world, FlockConfig(concurrency=3, neighbourRadius=1))
    await world.fabric.unwire(RUN, 1)
    assert [circuit.agent for circuit in await world.fabric.circuits(RUN)] == [0, 2]
    for n in (0, 1, 2):
        await world.fabric.unwire(RUN, n)
    assert await world.fabric.circuits(RUN) == []
    assert await world.fabric.runs() == []
    with pytest.raises(NotFound):
        await world.fabric.inbox(RUN, 0).depth()
    await world.store.put(LAST, b"x")


async def test_left_overs_of_earlier_runs_are_found(world: World):
    assert await world.fabric.runs() == []
    for run in ("20261123T100000Z", "20261122T100000Z"):
        await world.fabric.wire(run, 0, Wiring(world.bucket, (keys.log(1),)))
    assert await world.fabric.runs() == ["20261122T100000Z", "20261123T100000Z"]


async def test_runs_do_not_mix(world: World):
    other = "20261122T100000Z"
    await world.inbox(keys.log(1))
    await world.inbox(keys.log(2), run=other)
    await world.store.put(keys.log(1), b"x")
    assert len(await collect(world.fabric.inbox(RUN, 0), 1)) == 1
    assert await world.fabric.inbox(other, 0).receive(0.3) == []
    await world.fabric.unwire(other, 0)
    assert [circuit.agent for circuit in await world.fabric.circuits(RUN)] == [0]
