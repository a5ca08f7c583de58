"""What the fabric promises on AWS beyond the port: policies, redrive, names."""

import asyncio
import json

import pytest

from murmur import keys
from murmur.aws.fabric import EventBridgeFabric
from murmur.aws.inbox import SqsInbox
from murmur.errors import NotFound
from murmur.local.provision import provision
from murmur.pattern import Wiring
from tests.contract.worlds import RUN, World, collect

pytestmark = pytest.mark.parametrize("world", ["moto", "endpoint"], indirect=True)


def _fabric(world: World, **other: str) -> EventBridgeFabric:
    """A fabric of other settings in the same account."""
    return EventBridgeFabric(world.clients, world.settings.model_copy(update=other))


def attributes(world: World, queue: str) -> dict[str, str]:
    sqs = world.clients.sqs
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def assert_only_this_rule_may_send(found: dict[str, str], rule_arn: str) -> None:
    (statement,) = json.loads(found["Policy"])["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == found["QueueArn"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule_arn}}


async def test_a_readers_queue_lets_only_its_rule_send(world: World):
    await world.inbox()
    (circuit,) = await world.fabric.circuits(RUN)
    rule = world.clients.events.describe_rule(Name=circuit.rule, EventBusName=world.settings.bus)
    assert f"/{world.settings.bus}/" in rule["Arn"], "the rule is on the flock's own bus"
    assert_only_this_rule_may_send(attributes(world, circuit.queue), rule["Arn"])


async def test_the_change_queue_lets_only_its_rule_send(world: World):
    name = f"{world.settings.flock}-changes"
    rule = world.clients.events.describe_rule(Name=name)
    assert_only_this_rule_may_send(attributes(world, name), rule["Arn"])


async def test_a_damaged_policy_is_mended_by_wiring_anew(world: World):
    await world.inbox()
    (circuit,) = await world.fabric.circuits(RUN)
    sqs = world.clients.sqs
    url = sqs.get_queue_url(QueueName=circuit.queue)["QueueUrl"]
    right = attributes(world, circuit.queue)["Policy"]
    everyone = {"Version": "2012-10-17", "Statement": []}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(everyone), "VisibilityTimeout": "1"})
    await world.inbox()
    assert json.loads(attributes(world, circuit.queue)["Policy"]) == json.loads(right)
    assert attributes(world, circuit.queue)["VisibilityTimeout"] == "60"


async def test_what_is_never_acknowledged_becomes_a_dead_letter(world: World):
    inbox = await world.inbox()
    await world.store.put("store/agent-1.ndjson", b"x")
    for _ in range(20):
        await inbox.extend(await collect(inbox, 1), 0)
    async with asyncio.timeout(20):
        while (await world.fabric.dead_letters()).visible < 1:
            assert await inbox.receive(0) == []
            await asyncio.sleep(0.1)
    assert (await inbox.depth()).visible == 0


async def test_a_queue_without_a_rule_is_a_left_over_too(world: World):
    await world.inbox()
    (circuit,) = await world.fabric.circuits(RUN)
    events = world.clients.events
    events.remove_targets(Rule=circuit.rule, EventBusName=world.settings.bus, Ids=["queue"])
    events.delete_rule(Name=circuit.rule, EventBusName=world.settings.bus)
    assert await world.fabric.runs() == [RUN]
    await world.fabric.unwire(RUN, 0)
    assert await world.fabric.runs() == []


async def test_flocks_with_similar_names_do_not_see_each_other(world: World):
    await world.inbox()
    longer = _fabric(world, flock=f"{world.settings.flock}-2")
    shorter = _fabric(world, flock=world.settings.flock[:-1])
    for other in (longer, shorter):
        assert await other.circuits(RUN) == []
        assert await other.runs() == []


async def test_wiring_without_a_bus_says_what_is_missing(world: World):
    fabric = _fabric(world, bus="no-such-bus")
    assert await fabric.runs() == []
    with pytest.raises(NotFound):
        await fabric.wire(RUN, 0, Wiring(world.bucket, (keys.log(1),)))


async def test_provisioning_again_disturbs_nothing(world: World):
    inbox = await world.inbox()
    await world.store.put("store/agent-1.ndjson", b"x")
    while (await inbox.depth()).visible < 1:
        await asyncio.sleep(0.05)
    rules = world.clients.events.list_rules(NamePrefix=world.settings.flock)["Rules"]
    await provision(world.settings, world.clients)
    assert world.clients.events.list_rules(NamePrefix=world.settings.flock)["Rules"] == rules
    assert (await world.store.get("store/agent-1.ndjson")).body == b"x"
    assert len(await collect(inbox, 1)) == 1
    assert int(attributes(world, f"{world.settings.flock}-changes")["ApproximateNumberOfMessages"]) == 1


async def test_dashboards_hear_of_what_they_show_and_of_nothing_else(world: World):
    for key in ("store/agent-0.ndjson", "state/agent-0.json", "output/a b", "knowledge-base/ä", "control.json"):
        await world.store.put(key, b"x")
    for key in ("history/x/store/agent-0.ndjson", "roster.json", "web/index.html", "segments/agent-0.00001.ndjson"):
        await world.store.put(key, b"x")
    await world.store.put("direction.md", b"x")
    inbox = SqsInbox(world.clients, f"{world.settings.flock}-changes")
    found = {json.loads(message.body)["detail"]["object"]["key"] for message in await collect(inbox, 6)}
    assert found == {
        "store/agent-0.ndjson",
        "state/agent-0.json",
        "output/a b",
        "knowledge-base/ä",
        "control.json",
        "direction.md",
    }


async def test_a_large_flock_has_its_rules_on_several_buses_and_every_reader_hears(world: World):
    settings = world.settings.model_copy(update={"concurrency_cap": 13, "agents_per_bus": 2})
    assert settings.buses[:3] == (world.settings.bus, f"{world.settings.bus}-2", f"{world.settings.bus}-3")
    assert len(settings.buses) == 7, "more than the five targets of one rule"
    await provision(settings, world.clients)
    fabric = EventBridgeFabric(world.clients, settings)
    for agent in range(13):
        await fabric.wire(RUN, agent, Wiring(world.bucket, (keys.log(99), keys.directive(agent))))
    assert [circuit.agent for circuit in await fabric.circuits(RUN)] == list(range(13))
    on_last = world.clients.events.list_rules(EventBusName=settings.buses[-1])["Rules"]
    assert [rule["Name"] for rule in on_last] == [fabric.name(RUN, 12)]
    await world.store.put(keys.log(99), b"x")
    heard = await asyncio.gather(*(collect(fabric.inbox(RUN, agent), 1) for agent in range(13)))
    if world.kind != "moto":  # it brings S3 events to every bus, past the rule that forwards (research/cdk.md)
        assert [len(messages) for messages in heard] == [1] * 13
    assert {json.loads(message.body)["detail"]["object"]["key"] for messages in heard for message in messages} == {
        keys.log(99)
    }
    assert await fabric.runs() == [RUN]
    for agent in range(13):
        await fabric.unwire(RUN, agent)
    assert await fabric.runs() == []


async def test_looks_at_a_queue_ask_for_its_url_once_and_one_that_is_gone_is_still_told(world: World):
    await world.inbox()
    asked: list[str] = []
    events = world.clients.sqs.meta.events
    events.register("before-call.sqs.GetQueueUrl", lambda **_: asked.append("url"), unique_id="counted")
    try:
        for _ in range(3):
            await world.fabric.inbox(RUN, 0).depth()
        assert len(asked) <= 1
    finally:
        events.unregister("before-call.sqs.GetQueueUrl", unique_id="counted")
    await _fabric(world).unwire(RUN, 0)  # by another process
    with pytest.raises(NotFound):
        await world.fabric.inbox(RUN, 0).depth()
