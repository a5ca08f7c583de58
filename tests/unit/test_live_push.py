"""The live view: what changes tell, what a cursor lacks, and that no interleaving leaves a gap or a double."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.live.handler import changes_of, serve_batch, serve_message
from functions.live.live import Live
from functions.live.messages import FRAME_BYTES
from murmur import keys
from murmur.change import Change
from murmur.config import FlockConfig
from murmur.errors import Refused, Unavailable
from murmur.memory.fabric import event_of
from murmur.memory.publisher import MemoryPublisher
from murmur.pattern import wiring_for
from murmur.ports import HostInfo
from murmur.roster import Roster
from tests.unit.api_twins import RUN, entry, flock


class Fleet:
    def __init__(self, *hosts):
        self.found = list(hosts)

    async def hosts(self, _run):
        return self.found


class View:
    """A live view over a flock on the twins; changes wait in ``waiting`` until they are delivered."""

    def __init__(self):
        self.world = flock()
        self.publisher = MemoryPublisher()
        self.live = Live(self.world.services, self.publisher)
        self.waiting: list[Change] = []
        self.world.store.listeners.append(self.waiting.append)

    async def deliver(self, *changes: Change) -> None:
        batch = changes or tuple(self.waiting)
        if not changes:
            self.waiting.clear()
        await self.live.on_changes(batch)

    async def ask(self, connection: str, **message) -> list[dict]:
        received = self.publisher.open(connection)
        before = len(received)
        await self.live.on_message(connection, json.dumps(message))
        return [json.loads(one) for one in received[before:]]

    def received(self, connection: str) -> list[dict]:
        return [json.loads(one) for one in self.publisher.received[connection]]


async def running(**config):
    view = View()
    await view.world.store.put(keys.CONFIG, FlockConfig(**config).to_json())
    await view.world.store.put(keys.DIRECTION, b"Go.")
    await view.world.be("running")
    return view


def kinds(messages):
    return [message["type"] for message in messages]


async def test_a_snapshot_says_everything_and_where_it_stands():
    view = await running(concurrency=3)
    await view.world.log(1, entry(0), entry(1))
    (message,) = await view.ask("c", type="snapshot")
    assert message["type"] == "snapshot"
    assert message["status"]["agents"][1]["last"]["iteration"] == 1
    assert message["direction"]["text"] == "Go."
    assert message["config"]["concurrency"] == 3
    assert message["cursor"]["agents"] == {"1": 1}
    assert message["cursor"]["run"] == RUN
    assert all(message["cursor"]["documents"][key] for key in (keys.DIRECTION, keys.CONFIG, keys.CONTROL))


async def test_an_append_reaches_every_connection_once():
    view = await running()
    for name in ("a", "b"):
        view.publisher.open(name)
    await view.deliver()
    for n in range(3):
        await view.world.log(2, entry(n))
        await view.deliver()
    for name in ("a", "b"):
        pushed = [m for m in view.received(name) if m["type"] == "entry"]
        assert [e["iteration"] for m in pushed for e in m["entries"]] == [0, 1, 2]
        assert pushed[-1]["cursor"] == {"agents": {"2": 2}}


async def test_a_batch_reads_each_key_once_and_tells_all_that_is_new():
    view = await running()
    view.publisher.open("c")
    await view.world.log(0, entry(0))
    await view.deliver()
    reads = []
    get = view.world.store.get

    async def counting(key, **how):
        reads.append(key)
        return await get(key, **how)

    view.world.store.get = counting
    for n in range(1, 30):
        await view.world.log(0, entry(n))
    reads.clear()
    await view.deliver(*view.waiting, *view.waiting)
    assert reads.count(keys.log(0)) == 1
    pushed = [m for m in view.received("c") if m["type"] == "entry"][1:]
    assert [e["iteration"] for m in pushed for e in m["entries"]] == list(range(1, 30))


async def test_a_process_just_started_tells_only_the_newest_entry():
    view = await running()
    await view.world.log(0, *(entry(n) for n in range(9)))
    view.publisher.open("c")
    await Live(view.world.services, view.publisher).on_changes(view.waiting)
    pushed = [m for m in view.received("c") if m["type"] == "entry"]
    assert [e["iteration"] for m in pushed for e in m["entries"]] == [8]


async def test_documents_files_and_heartbeats_are_told():
    view = await running()
    view.publisher.open("c")
    view.waiting.clear()
    store = view.world.store
    await store.put("output/a.md", b"abc", metadata={"agent": "3", "iteration": "7"})
    await store.put("knowledge-base/k.md", b"k")
    await store.put(keys.DIRECTION, b"Another goal.")
    await store.put(keys.CONFIG, FlockConfig(concurrency=5).to_json())
    await view.world.heartbeat(4, activity="turn", turn={"iteration": 2, "cause": "neighbour", "since": "x"})
    await view.deliver()
    messages = {m["type"]: m for m in view.received("c") if m.get("key") != "knowledge-base/k.md"}
    assert messages["file"] | {"etag": ""} == {
        "type": "file",
        "key": "output/a.md",
        "etag": "",
        "size": 3,
        "deleted": False,
        "agent": 3,
        "iteration": 7,
        "cursor": {},
    }
    assert messages["direction"]["direction"]["text"] == "Another goal."
    assert messages["direction"]["cursor"]["documents"] == {keys.DIRECTION: messages["direction"]["direction"]["etag"]}
    assert messages["config"]["config"]["concurrency"] == 5
    agent = messages["agent"]["agent"]
    assert (agent["id"], agent["status"], agent["turn"]["iteration"]) == (4, "turn", 2)
    assert not {"last", "previous"} & set(agent)
    await store.delete(["output/a.md"])
    await view.deliver()
    assert view.received("c")[-1]["deleted"] is True


async def test_pausing_is_told_and_a_new_run_replaces_everything():
    view = await running()
    view.publisher.open("c")
    view.waiting.clear()
    await view.world.be("paused")
    await view.deliver()
    assert kinds(view.received("c")) == ["control"]
    await view.world.be("starting", "20261124T000000Z")
    await view.deliver()
    assert kinds(view.received("c"))[1:] == ["control", "snapshot"]
    assert view.received("c")[-1]["cursor"]["run"] == "20261124T000000Z"


async def test_a_log_that_begins_anew_is_told_from_its_beginning():
    view = await running()
    view.publisher.open("c")
    await view.world.log(0, *(entry(n) for n in range(5)))
    await view.deliver()
    await view.world.store.delete([keys.log(0)])
    await view.deliver()
    await view.world.log(0, entry(0, action="new"))
    await view.deliver()
    newest = [m for m in view.received("c") if m["type"] == "entry"][-1]
    assert [(e["iteration"], e["action"]) for e in newest["entries"]] == [(0, "new")]


async def test_with_nobody_connected_nothing_is_read():
    view = await running()
    await view.world.log(0, entry(0))

    async def unexpected(*_args, **_more):
        raise AssertionError("read for nobody")

    view.world.store.get = unexpected
    await view.deliver()


async def test_resume_sends_exactly_what_is_missing():
    view = await running(concurrency=3)
    await view.world.log(0, *(entry(n) for n in range(3)))
    await view.world.log(1, *(entry(n) for n in range(5)))
    (snapshot,) = await view.ask("c", type="snapshot")
    cursor = snapshot["cursor"]
    await view.world.log(1, entry(5), entry(6))
    await view.world.log(2, entry(0))
    await view.world.store.put(keys.DIRECTION, b"Changed.")
    messages = await view.ask("c", type="resume", cursor=cursor)
    assert [(m["agent"], [e["iteration"] for e in m["entries"]]) for m in messages if m["type"] == "entry"] == [
        (1, [5, 6]),
        (2, [0]),
    ]
    assert [m["direction"]["text"] for m in messages if m["type"] == "direction"] == ["Changed."]
    assert not {"config", "control", "snapshot"} & set(kinds(messages))


async def test_who_is_far_behind_or_of_another_run_gets_a_snapshot():
    view = await running(concurrency=2)
    await view.world.log(0, *(entry(n) for n in range(300)))
    (snapshot,) = await view.ask("c", type="snapshot")
    assert kinds(await view.ask("c", type="resume", cursor={**snapshot["cursor"], "agents": {"0": 10}})) == ["snapshot"]
    assert kinds(await view.ask("c", type="resume", cursor={**snapshot["cursor"], "run": "other"})) == ["snapshot"]
    assert kinds(await view.ask("c", type="resume", cursor={})) == ["snapshot"]
    without = {name: value for name, value in snapshot["cursor"].items() if name != "run"}
    assert "snapshot" not in kinds(await view.ask("c", type="resume", cursor=without))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        '{"type":"dance"}',
        '{"type":null}',
        '{"type":"resume"}',
        '{"type":"resume","cursor":7}',
        '{"type":"resume","cursor":{"agents":{"x":1}}}',
        "[" * 40_000,
        "x" * 40_000,
    ],
)
async def test_a_message_not_understood_is_answered_and_the_connection_stays(text):
    view = await running()
    view.publisher.open("c")
    await view.live.on_message("c", text)
    (message,) = view.received("c")
    assert message["type"] == "error"
    assert message["remedy"]
    assert kinds(await view.ask("c", type="ping")) == ["pong"]


async def test_queues_are_told_to_those_who_watch_and_not_too_often():
    view = await running(concurrency=2)
    for agent in range(2):
        await view.world.fabric.wire(RUN, agent, wiring_for("flock", FlockConfig(concurrency=2), agent))
    view.publisher.open("other")
    assert kinds(await view.ask("c", type="watch", queues=True)) == ["queues"]
    await view.live.push_queues()
    await view.live.push_queues()
    assert kinds(view.received("c")) == ["queues", "queues"]
    assert view.received("other") == []
    await view.ask("c", type="watch", queues=False)
    view.live._queues_at = float("-inf")
    await view.live.push_queues()
    assert kinds(view.received("c")) == ["queues", "queues"]


async def test_no_frame_is_too_large_and_what_does_not_fit_can_be_fetched():
    view = await running(concurrency=64)
    view.publisher.open("c")
    store = view.world.store
    await store.put(keys.DIRECTION, ("ä" * 40_000).encode())
    await view.world.log(0, entry(0))
    await view.deliver()
    await view.world.log(0, *(entry(n, files=[f"output/{n}-{k}.md" for k in range(150)]) for n in range(1, 30)))
    await view.world.log(1, entry(0, files=[f"output/{k:05d}.md" for k in range(4000)]))
    await view.deliver()
    await view.ask("c", type="snapshot")
    assert all(len(text.encode()) <= FRAME_BYTES for text in view.publisher.received["c"])
    pushed = [m for m in view.received("c") if m["type"] == "entry" and m["agent"] == 0]
    assert [e["iteration"] for m in pushed for e in m["entries"]] == list(range(30))
    assert len(pushed) > 2
    references = {m["of"]: m for m in view.received("c") if m["type"] == "reference"}
    assert set(references) == {"direction", "entry", "snapshot"}
    for reference in references.values():
        path, _, query = reference["url"].partition("?")
        found = await view.world.call(
            "GET", path, dict(part.split("=") for part in query.split("&")) if query else None
        )
        assert found.status == 200
    assert references["entry"]["cursor"] == {"agents": {"1": 0}}


async def test_a_connection_that_is_gone_is_forgotten():
    view = await running(concurrency=2)
    await view.ask("c", type="watch", queues=True)
    view.publisher.close("c")
    await view.live.on_message("c", '{"type":"ping"}')
    assert await view.live._watchers.all() == frozenset()


async def test_one_unreadable_document_does_not_silence_the_rest():
    view = await running()
    view.publisher.open("c")
    view.waiting.clear()
    await view.world.store.put(keys.CONTROL, b"{broken")
    await view.world.log(0, entry(0))
    await view.deliver()
    assert "entry" in kinds(view.received("c"))


def records_of(changes):
    return [
        {"messageId": f"m{at}", "body": event_of(change, "flock"), "attributes": {"SentTimestamp": "1795424556000"}}
        for at, change in enumerate(changes)
    ]


async def test_the_lambda_shapes_lead_to_the_same_logic():
    view = await running()
    view.publisher.open("c")
    context = {"connectionId": "c", "eventType": "MESSAGE", "routeKey": "$default", "stage": "live"}
    assert await serve_message({"requestContext": context, "body": '{"type":"ping"}'}, view.live) == {"statusCode": 200}
    binary = {"requestContext": context, "body": "eyJ0eXBlIjoicGluZyJ9", "isBase64Encoded": True}
    await serve_message(binary, view.live)
    assert kinds(view.received("c")) == ["pong", "pong"]
    await view.world.log(0, entry(0))
    records = records_of(view.waiting)
    junk = {"messageId": "junk", "body": "junk"}
    assert await serve_batch({"Records": [junk, *records]}, view.live) == {"batchItemFailures": []}
    assert "entry" in kinds(view.received("c"))
    assert len(changes_of(["{}", "[]", "\x00", *(record["body"] for record in records)])) == len(records)


async def test_of_a_batch_only_what_the_store_would_not_show_comes_again(monkeypatch):
    view = await running()
    view.publisher.open("c")
    view.waiting.clear()
    await view.world.log(0, entry(0))
    await view.world.log(1, entry(0))
    records = records_of(view.waiting)
    broken = [r["messageId"] for r in records if keys.log(1) in r["body"]]
    get = type(view.world.store).get

    async def fails_for_one(store, key, **range_):
        if key == keys.log(1):
            raise Unavailable("S3 is busy.", "Try again.")
        return await get(store, key, **range_)

    with monkeypatch.context() as patch:
        patch.setattr(type(view.world.store), "get", fails_for_one)
        answer = await serve_batch({"Records": records}, view.live)
    assert answer == {"batchItemFailures": [{"itemIdentifier": message} for message in broken]}
    assert "entry" in kinds(view.received("c")), "the other agent's entry was told"
    again = [record for record in records if record["messageId"] in broken]
    assert await serve_batch({"Records": again}, view.live) == {"batchItemFailures": []}
    assert [m["agent"] for m in view.received("c") if m["type"] == "entry"] == [0, 1]


async def test_a_file_that_may_not_be_read_is_told_without_its_author(monkeypatch):
    view = await running()
    view.publisher.open("c")
    view.waiting.clear()
    await view.world.store.put("output/plan.md", b"x", metadata={"agent": "3", "iteration": "7"})

    async def forbidden(_store, key):
        raise Refused(f"{key} is not allowed.", "Check the role.")

    monkeypatch.setattr(type(view.world.store), "head", forbidden)
    await serve_batch({"Records": records_of(view.waiting)}, view.live)
    (told,) = [m for m in view.received("c") if m["type"] == "file"]
    assert (told["key"], told["agent"], told["iteration"]) == ("output/plan.md", None, None)


async def test_a_batch_that_no_connection_takes_comes_again_whole(monkeypatch):
    view = await running()
    view.publisher.open("c")
    view.waiting.clear()
    await view.world.log(0, entry(0))

    async def busy(_publisher, _connection, _message):
        raise Unavailable("API Gateway is busy.", "Try again.")

    with monkeypatch.context() as patch:
        patch.setattr(type(view.publisher), "send", busy)
        with pytest.raises(Unavailable):
            await serve_batch({"Records": records_of(view.waiting)}, view.live)
    await serve_batch({"Records": records_of(view.waiting)}, view.live)
    assert "entry" in kinds(view.received("c")), "the entry was not taken for told"


@dataclass
class Client:
    """The documented client: entries once by (agent, iteration), a gap asks to resume, messages merge the cursor."""

    run: str = ""
    entries: dict[int, dict[int, str]] = field(default_factory=dict)
    floor: dict[int, int] = field(default_factory=dict)
    cursor: dict = field(default_factory=lambda: {"agents": {}, "documents": {}})
    direction: str = ""
    read: int = 0

    def take(self, frames: list[str]) -> bool:
        """Apply what is unread; returns whether there is a gap."""
        gap = False
        for text in frames[self.read :]:
            gap = self.apply(json.loads(text)) or gap
        self.read = len(frames)
        return gap

    def apply(self, message: dict) -> bool:
        cursor = message["cursor"]
        gap = False
        if message["type"] == "snapshot":
            if cursor["run"] != self.run:
                self.run, self.entries, self.floor, self.cursor = cursor["run"], {}, {}, {"agents": {}, "documents": {}}
            self.direction = message["direction"]["text"]
            for agent in message["status"]["agents"]:
                shown = [e for e in (agent["previous"], agent["last"]) if e]
                if shown and agent["id"] not in self.floor:
                    self.floor[agent["id"]] = shown[0]["iteration"]
                gap = self.add(agent["id"], shown) or gap
        if message["type"] == "entry":
            gap = self.add(message["agent"], message["entries"])
        if message["type"] == "direction":
            self.direction = message["direction"]["text"]
        self.cursor["run"] = cursor.get("run", self.cursor.get("run", ""))
        self.cursor["documents"].update(cursor.get("documents", {}))
        return gap

    def add(self, agent: int, entries: list[dict]) -> bool:
        mine = self.entries.setdefault(agent, {})
        self.floor.setdefault(agent, 0)
        for one in entries:
            mine[one["iteration"]] = one["action"]
        held = self.floor[agent]
        while held in mine:
            held += 1
        if held > 0:
            self.cursor["agents"][str(agent)] = held - 1
        return bool(mine) and max(mine) >= held


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("direction"), st.integers(0, 999), st.just(0)),
        st.tuples(st.just("deliver"), st.integers(0, 99), st.integers(1, 4)),
        st.tuples(st.just("lose"), st.integers(0, 99), st.just(0)),
        st.tuples(st.just("repeat"), st.integers(0, 99), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
        st.tuples(st.just("disconnect"), st.just(0), st.just(0)),
        st.tuples(st.just("snapshot"), st.just(0), st.just(0)),
        st.tuples(st.just("look"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=120, deadline=None)
@given(steps=STEPS)
async def test_whatever_happens_a_client_that_resumes_has_every_entry_once(steps):
    view = await running(concurrency=3)
    live, client, generation = view.live, Client(), 0
    written = dict.fromkeys(range(3), 0)
    direction = "Go."

    async def say(**message):
        view.publisher.open(f"c{generation}")
        await live.on_message(f"c{generation}", json.dumps(message))

    async def look():
        gap = client.take(view.publisher.received[f"c{generation}"])
        if gap:
            await say(type="resume", cursor=client.cursor)
            assert not client.take(view.publisher.received[f"c{generation}"])

    await say(type="snapshot")
    await look()
    for step, one, two in steps:
        match step:
            case "append":
                new = [entry(written[one] + n, action=f"{one}:{written[one] + n}") for n in range(two)]
                for item in new:
                    await view.world.log(one, item)
                written[one] += two
            case "direction":
                direction = f"goal {one}"
                await view.world.store.put(keys.DIRECTION, direction.encode())
            case "deliver" if view.waiting:
                at = one % len(view.waiting)
                batch = view.waiting[at : at + two]
                del view.waiting[at : at + two]
                await live.on_changes(batch)
            case "lose" if view.waiting:
                del view.waiting[one % len(view.waiting)]
            case "repeat" if view.waiting:
                await live.on_changes([view.waiting[one % len(view.waiting)]] * 2)
            case "restart":
                live = Live(view.world.services, view.publisher)
            case "disconnect":
                view.publisher.close(f"c{generation}")
                generation, client.read = generation + 1, 0
                await say(type="resume", cursor=client.cursor)
            case "snapshot":
                await say(type="snapshot")
            case "look":
                await look()
    await look()
    await say(type="resume", cursor=client.cursor)
    assert not client.take(view.publisher.received[f"c{generation}"])
    assert client.direction == direction
    for agent, count in written.items():
        mine = client.entries.get(agent, {})
        assert sorted(mine) == list(range(client.floor.get(agent, 0), count))
        assert all(action == f"{agent}:{n}" for n, action in mine.items())
    before = len(view.publisher.received[f"c{generation}"])
    await say(type="resume", cursor=client.cursor)
    again = [json.loads(text) for text in view.publisher.received[f"c{generation}"][before:]]
    assert not {"entry", "direction", "config", "control", "snapshot"} & set(kinds(again))


async def test_while_it_starts_or_stops_every_agents_news_comes_with_the_count_of_hosts():
    view = await running(concurrency=2)
    fleet = Fleet(HostInfo("71", "host-0", "running", datetime.now(UTC)))
    view.world.services = view.live._services = replace(view.world.services, fleet=fleet)
    await view.world.store.put(keys.ROSTER, Roster.plan(RUN, FlockConfig(concurrency=2), "Go.").to_json())
    view.publisher.open("a")
    for state, told in (("running", False), ("stopping", True)):
        await view.world.be(state)
        view.waiting.clear()
        await view.world.heartbeat(0)
        before = len(view.received("a"))
        await view.deliver()
        fresh = view.received("a")[before:]
        counts = [message["hosts"] for message in fresh if message["type"] == "control"]
        assert counts == ([{"asked": 1, "alive": 1, "restarts": 0}] if told else [])
    fleet.found = []
    await view.world.be("stopped")
    before = len(view.received("a"))
    await view.deliver()
    assert view.received("a")[before:][0]["hosts"] == {"asked": 1, "alive": 0, "restarts": 0}
