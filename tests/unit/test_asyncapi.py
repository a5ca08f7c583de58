"""The WebSocket is documented as it is: the AsyncAPI document is current and valid, and what is really said conforms to it."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from functions.live import messages
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import Handover
from murmur.errors import Refused
from murmur.pattern import wiring_for
from murmur.ports import HostInfo
from murmur.roster import Roster
from tests.docs.asyncapi_page import TARGET, page
from tests.unit.api_twins import RUN, entry
from tests.unit.test_live_push import Fleet, View, running

DOCUMENT: dict[str, Any] = json.loads(TARGET.read_text("utf-8"))
MESSAGES = DOCUMENT["components"]["messages"]
NAMES = {
    action: {
        reference["$ref"].rsplit("/", 1)[1]
        for operation in DOCUMENT["operations"].values()
        for reference in (
            *(operation["messages"] if operation["action"] == action else ()),
            *(operation.get("reply", {}).get("messages", ()) if action == "send" else ()),
        )
    }
    for action in ("send", "receive")
}
BY_TYPE = {
    action: {MESSAGES[name]["payload"]["properties"]["type"]["const"]: name for name in names}
    for action, names in NAMES.items()
}
IN_DRAFT_7 = {
    "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "exclusiveMinimum", "items", "maxLength",
    "maxProperties", "maximum", "minItems", "minLength", "minimum", "pattern", "properties", "propertyNames", "required",
    "title", "type",
}  # fmt: skip


def closed(schema: Any) -> Any:
    """The schema, with every object that names its fields and does not say otherwise closed to others."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        key: {name: closed(one) for name, one in value.items()} if key == "properties" else closed(value)
        for key, value in schema.items()
    }
    return {"additionalProperties": False, **inner} if "properties" in schema else inner


def validator(name: str, *, strict: bool = True) -> Draft7Validator:
    schemas, payload = DOCUMENT["components"]["schemas"], MESSAGES[name]["payload"]
    if strict:
        schemas, payload = {key: closed(schema) for key, schema in schemas.items()}, closed(payload)
    return Draft7Validator({**payload, "components": {"schemas": schemas}})


SAID = {kind: validator(name) for kind, name in BY_TYPE["send"].items()}


def mistakes(message: Any) -> list[str]:
    """Where a message of the server departs from what the document says of its type; an undocumented type is a mistake."""
    checker = SAID.get(message["type"])
    if checker is None:
        return [f"{message['type']} is not documented"]
    return [f"{message['type']}: {error.json_path}: {error.message}" for error in checker.iter_errors(message)]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        mine = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return mine + [found for one in value.values() for found in references(one)]
    return [found for one in value for found in references(one)] if isinstance(value, list) else []


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def keywords(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema.get(name) for name in ("items", "additionalProperties", "propertyNames")]
    return set(schema).union(*(keywords(one) for one in inner))


def test_the_document_is_up_to_date() -> None:
    assert TARGET.read_text("utf-8") == page(), "run: ./dev docs"


def test_the_document_has_the_parts_asyncapi_3_asks_for() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert all(DOCUMENT["info"][field] for field in ("title", "version", "description"))
    assert set(DOCUMENT) <= {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components",
    }  # fmt: skip
    for server in DOCUMENT["servers"].values():
        assert server["protocol"] in ("ws", "wss")
        assert set(re.findall(r"{(\w+)}", server["host"])) == set(server["variables"])
        assert "/" not in server["host"]
    for section in ("messages", "schemas", "securitySchemes"):
        assert all(re.fullmatch(r"[\w.-]+", name) for name in DOCUMENT["components"][section])
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        for reference in (*operation["messages"], *operation.get("reply", {}).get("messages", ())):
            assert reference["$ref"].startswith(f"{channel}/messages/"), "an operation's messages are its channel's"


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert found
    for reference in found:
        assert reference.startswith("#/")
        assert resolved(reference)
    used = {reference.rsplit("/", 1)[1] for reference in found if "/schemas/" in reference}
    assert used == set(DOCUMENT["components"]["schemas"]), "a schema nobody refers to"


def test_every_message_is_named_explained_used_and_shown() -> None:
    assert set(MESSAGES) == set(DOCUMENT["channels"]["live"]["messages"]) == NAMES["send"] | NAMES["receive"]
    assert not NAMES["send"] & NAMES["receive"]
    for name, message in MESSAGES.items():
        assert message["name"] == name
        assert message["title"]
        assert message["description"]
        assert message["examples"]
        for example in message["examples"]:
            assert not list(validator(name).iter_errors(example["payload"]))


def test_the_schemas_are_json_schema_of_the_draft_asyncapi_speaks() -> None:
    for schema in (*DOCUMENT["components"]["schemas"].values(), *(one["payload"] for one in MESSAGES.values())):
        Draft7Validator.check_schema(schema)
        assert keywords(schema) <= IN_DRAFT_7


def test_every_message_the_code_can_make_is_documented() -> None:
    made = {name.removesuffix("_frames") for name in vars(messages) if re.fullmatch(r"[a-z]+_frames", name)}
    assert set(BY_TYPE["send"]) == made | {"reference"}


async def test_every_message_the_code_understands_is_documented() -> None:
    view = await running()
    (error,) = await view.ask("c", type="dance")
    understood = re.findall(r"\w+", error["remedy"].removeprefix("Send").replace(" or ", " "))
    assert sorted(BY_TYPE["receive"]) == sorted(understood)


async def full_life() -> list[Any]:
    """Everything two connections are told while a flock lives: started, worked, steered, read from, cut off, stopped."""
    view = await running(concurrency=3)
    await _start(view)
    await view.ask("c", type="ping")
    (snapshot,) = await view.ask("c", type="snapshot")
    await _work(view)
    await view.ask("d", type="resume", cursor=snapshot["cursor"])
    await view.ask("d", type="resume", cursor={})
    await view.ask("d", type="resume", cursor=7)
    await view.ask("d", type="watch", queues=True)
    await view.ask("d", type="watch", queues=False)
    await view.world.be("paused")
    await view.deliver()
    await view.world.be("starting", "20261124T000000Z", handover=Handover(direction="Not to be shown."))
    await view.deliver()
    await _outgrow(view)
    return [*view.received("c"), *view.received("d")]


async def _start(view: View) -> None:
    fleet = Fleet(HostInfo("71", "host-0", "running", view.world.clock.now()))
    view.world.services = view.live._services = replace(view.world.services, fleet=fleet)
    await view.world.store.put(keys.ROSTER, Roster.plan(RUN, FlockConfig(concurrency=3), "Go.").to_json())
    for agent in range(3):
        await view.world.fabric.wire(RUN, agent, wiring_for("flock", FlockConfig(concurrency=3), agent))
    view.publisher.open("c")
    view.publisher.open("d")
    await view.deliver()


async def _work(view: View) -> None:
    waker, usage = {"agent": 0, "iteration": 0, "kind": "foreign"}, {"input_tokens": 5, "cost": 0.1, "cached": 3}
    await view.world.log(0, entry(0))
    await view.world.log(
        1,
        entry(0, state="idle", cause="neighbour", woken_by=[waker], seen={0: 0}, wake_ms=12, usage=usage, mood="calm"),
        entry(1, failed=True, refused=["no"], doubts=["hm"], files=["output/a.md"]),
    )
    turn = {"iteration": 2, "cause": "neighbour", "since": "x", "woken_by": [waker]}
    await view.world.heartbeat(1, activity="turn", turn=turn, seen={0: 0})
    await view.world.heartbeat(2, activity="backing-off", detail="slow", until="2026-11-23T05:32:36.000Z")
    store = view.world.store
    await store.put("output/a.md", b"abc", metadata={"agent": "1", "iteration": "1"})
    await store.put("knowledge-base/k.md", b"k")
    await store.put(keys.DIRECTION, b"Another goal.")
    await store.put(keys.CONFIG, FlockConfig(concurrency=3, neighbourRadius=1, model="m").to_json())
    await view.deliver()
    await store.delete(["output/a.md", keys.DIRECTION])
    await view.world.be("stopping")
    await view.world.heartbeat(0)
    await view.deliver()


async def _outgrow(view: View) -> None:
    await view.world.store.put(keys.DIRECTION, b"x" * 40_000)
    await view.world.log(1, entry(2, files=[f"output/{n:05d}.md" for n in range(4000)]))
    await view.deliver()


async def test_everything_a_living_flock_tells_is_as_documented() -> None:
    told = await full_life()
    assert any(message.get("hosts") for message in told)
    assert {message["type"] for message in told} == set(BY_TYPE["send"]), "the life shows every message"
    assert {message["of"] for message in told if message["type"] == "reference"} >= {"entry", "direction"}
    assert [wrong for message in told for wrong in mistakes(message)] == []


async def test_the_schemas_notice_a_field_too_many_too_few_or_of_another_kind() -> None:
    life = {message["type"]: message for message in await full_life()}
    for kind, message in life.items():
        assert mistakes({**message, "surprise": 1})
        required = MESSAGES[BY_TYPE["send"][kind]]["payload"]["required"]
        for field in set(required) - {"type"}:
            assert mistakes({name: value for name, value in message.items() if name != field})
            assert mistakes({**message, field: ["nonsense"]})
    deep = deepcopy(next(m for m in await full_life() if m["type"] == "snapshot"))
    deep["status"]["agents"][0]["surprise"] = 1
    assert mistakes(deep), "what stands inside is closed as well"


async def test_an_answer_is_one_its_question_is_said_to_have() -> None:
    view = await running(concurrency=2)
    await view.world.log(0, *(entry(n) for n in range(300)))
    await view.world.heartbeat(0)
    (snapshot,) = await view.ask("c", type="snapshot")
    near = {**snapshot["cursor"], "agents": {"0": 290}, "documents": {keys.CONTROL: "old"}}
    questions = [
        {"type": "ping"},
        {"type": "snapshot"},
        {"type": "watch", "queues": True},
        *({"type": "resume", "cursor": cursor} for cursor in ({}, snapshot["cursor"], near)),
        {"type": "resume", "cursor": []},
    ]
    for question in questions:
        reply = DOCUMENT["operations"][BY_TYPE["receive"][question["type"]]]["reply"]["messages"]
        allowed = {resolved(resolved(one["$ref"])["$ref"])["payload"]["properties"]["type"]["const"] for one in reply}
        answers = await view.ask("c", **question)
        assert answers
        assert {answer["type"] for answer in answers} <= allowed
        assert [wrong for answer in answers for wrong in mistakes(answer)] == []


async def test_an_error_names_a_documented_code_whatever_went_wrong(monkeypatch) -> None:
    view = await running()

    async def forbidden(_store, _key, **_range):
        raise Refused("That is not allowed.", "Check the role.")

    await view.world.store.put(keys.CONTROL, b"{broken")
    (unreadable,) = await view.ask("c", type="snapshot")
    monkeypatch.setattr(type(view.world.store), "get", forbidden)
    (refused,) = await view.ask("c", type="snapshot")
    assert (unreadable["code"], refused["code"]) == ("invalid_input", "refused")
    assert mistakes(unreadable) == mistakes(refused) == []
    assert mistakes({**refused, "code": "unheard_of"})


CURSORS = st.fixed_dictionaries(
    {},
    optional={
        "run": st.sampled_from(["", RUN, "other"]) | st.text(max_size=20),
        "agents": st.dictionaries(st.integers(0, 9999).map(str), st.integers(-5, 10**12), max_size=4),
        "documents": st.dictionaries(st.sampled_from(["control.json", "?"]), st.text(max_size=9), max_size=2),
    },
)
QUESTIONS = st.one_of(
    st.just({"type": "ping"}),
    st.just({"type": "snapshot"}),
    st.builds(lambda queues: {"type": "watch", "queues": queues}, st.booleans()),
    st.builds(lambda cursor: {"type": "resume", "cursor": cursor}, CURSORS),
)


@settings(max_examples=60, deadline=None)
@given(question=QUESTIONS)
async def test_what_the_document_lets_a_client_say_the_server_understands(question: dict[str, Any]) -> None:
    assert validator(BY_TYPE["receive"][question["type"]]).is_valid(question)
    view = await running(concurrency=2)
    await view.world.log(0, entry(0))
    answers = await view.ask("c", **question)
    assert "error" not in {answer["type"] for answer in answers}
    assert [wrong for answer in answers for wrong in mistakes(answer)] == []


@pytest.mark.parametrize(
    "example", [one for name in sorted(NAMES["receive"]) for one in MESSAGES[name]["examples"]], ids=str
)
async def test_the_documents_own_questions_are_understood(example: dict[str, Any]) -> None:
    view = await running()
    answers = await view.ask("c", **example["payload"])
    assert "error" not in {answer["type"] for answer in answers}


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"type": None},
        {"type": "dance"},
        {"type": "pong"},
        {"type": "resume"},
        {"type": "resume", "cursor": None},
        {"type": "resume", "cursor": {"agents": {"x": 1}}},
        {"type": "resume", "cursor": {"agents": {"0": 1.5}}},
        {"type": "resume", "cursor": {"documents": {"control.json": 1}}},
        {"type": "resume", "cursor": {"run": 3}},
    ],
    ids=str,
)
async def test_what_the_server_does_not_understand_the_document_forbids(question: dict[str, Any]) -> None:
    view = await running()
    view.publisher.open("c")
    await view.live.on_message("c", json.dumps(question))
    (answer,) = view.received("c")
    assert answer["type"] == "error"
    assert mistakes(answer) == []
    assert not any(validator(name, strict=False).is_valid(question) for name in NAMES["receive"])
