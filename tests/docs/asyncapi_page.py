"""Writes docs/reference/asyncapi.json, the WebSocket as AsyncAPI 3.0, from the models and the code that speaks (`./dev docs`).

Models give their own JSON Schemas; what ``functions/live/messages.py`` builds as dicts has a small explicit one here. Examples
are frames made by that code, and ``tests/unit/test_asyncapi.py`` holds everything that is really sent against the schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from functions.api.app import API_VERSION
from functions.live.live import MESSAGE_BYTES, QUEUES_EVERY_SECONDS
from functions.live.messages import FRAME_BYTES
from functions.live.snapshot import Cursor, Snapshot
from murmur import errors
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.documents import Direction
from murmur.entry import LogEntry
from murmur.inspector import QueueList
from murmur.services import TICKET_SECONDS
from murmur.status import HostCount, LiveAgent
from tests.docs.asyncapi_examples import asked, said

TARGET: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "asyncapi.json"
_SCHEMAS: Final = "#/components/schemas/"
_MODELS: Final[tuple[type[BaseModel], ...]] = (
    Snapshot, Control, QueueList, LiveAgent, LogEntry, HostCount, Direction, FlockConfig, Cursor,
)  # fmt: skip
_AGENT_NUMBER: Final = "^(0|[1-9][0-9]{0,3})$"
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer", "minimum": 0}
_CURSOR: Final = {"$ref": f"{_SCHEMAS}Cursor"}
_EMPTY_CURSOR: Final = {"type": "object", "maxProperties": 0, "description": "It moves nothing."}

ABOUT: Final = f"""Everything a dashboard is told, and the four things it may ask. Made from the code by `./dev docs`; prose in websocket.md.

`POST /cluster/ticket` gives a ticket (one use, {TICKET_SECONDS} seconds, only for the address that asked); connect with it to `/live?ticket=…`. Every frame is one JSON
object with a `type`; ignore types and fields you do not know. A frame has at most {FRAME_BYTES:,} bytes: entries come in several, anything else that does not fit as a `reference`.

Every message of the server but `error` has a `cursor`, a state vector of which it carries the part it moves: merge it into yours, and send that with `resume` after a break.
Keep entries by (agent, iteration), drop those you have, and resume when an iteration is skipped. A `snapshot` of the run you know takes nothing newer back."""

_WHAT: Final = {
    "snapshot": "The whole flock as of now: the answer to a client's `snapshot`, to a `resume` from too far behind or of another run, and pushed when a run begins.",
    "entry": "New entries of one agent's log, ascending. Null fields are left out, fields of foreign writers kept.",
    "agent": "How one agent stands: the fields of its status that change from moment to moment.",
    "control": "The flock's state. `hosts` is null where nothing is known of hosts; while the flock starts or stops it comes with every `agent`.",
    "file": "A file of output/ or knowledge-base/ came, changed or went. `agent` and `iteration` say whose turn wrote it; null: not known.",
    "direction": "The operator's goal.",
    "config": "The configuration.",
    "queues": f"Every reader's rule and queue, for those who watch them: once at `watch`, then with changes, at most every {QUEUES_EVERY_SECONDS:g} s.",
    "reference": "A message that does not fit a frame. GET `url` (relative to the REST API); it answers with what `of` names.",
    "pong": "The answer to `ping`. On one machine answers come in the order of the questions; on AWS separate processes may answer two of them.",
    "error": "A message was not understood, or could not be answered. The connection stays.",
    "askSnapshot": "Send everything.",
    "resume": "Send what I miss. `cursor` is the merged one; an empty one gets a snapshot.",
    "watch": "Whether to include the queues from now on. Stopping is not answered.",
    "ping": "Are you there?",
}
_REPLIES: Final = {
    "askSnapshot": ("snapshot", "reference", "error"),
    "resume": ("snapshot", "control", "config", "direction", "entry", "agent", "reference", "error"),
    "watch": ("queues", "reference", "error"),
    "ping": ("pong",),
}
_PUSHED: Final = ("snapshot", "entry", "agent", "control", "file", "direction", "config", "queues", "reference")


class _OnTheWire(GenerateJsonSchema):
    """Schemas of what is sent: a dumped model has all its fields, so none has a default; numbers as keys become text."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A field's name says it."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Without the default."""
        return self.generate_inner(schema["schema"])

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Each one."""
        return True

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """With the form of its keys."""
        numbered = schema.get("keys_schema", {}).get("type") == "int"
        return super().dict_schema(schema) | ({"propertyNames": {"pattern": "^-?[0-9]+$"}} if numbered else {})


def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    schemas = _schemas()
    payloads = {**_said(schemas.pop("Snapshot"), schemas.pop("QueueList")), **_asked()}
    messages = {name: _message(name, payload) for name, payload in payloads.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Murmur, live",
            "version": API_VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {
            "live": {
                "address": "/live",
                "description": "One connection of one dashboard. One process tells things in the order in which they were true; on AWS several may tell, so keep to the rules of `info`.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "query": _ticket(), "bindingVersion": "0.1.0"}},
            }
        },
        "operations": _operations(),
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {
                "ticket": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "ticket",
                    "description": "From `POST /cluster/ticket`.",
                }
            },
        },
    }


def page() -> str:
    """The file as it should stand."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schemas() -> dict[str, Any]:
    """The models' schemas by name, as their dumps look on the wire."""
    _, made = models_json_schema(
        [(model, "serialization") for model in _MODELS],
        ref_template=_SCHEMAS + "{model}",
        schema_generator=_OnTheWire,
    )
    found: dict[str, Any] = made["$defs"]
    entry = found["LogEntry"]  # an `entry` message leaves nulls out, a snapshot does not
    nullable = {name for name, field in entry["properties"].items() if {"type": "null"} in field.get("anyOf", ())}
    entry["required"] = [name for name in entry["required"] if name not in nullable]
    cursor = found["Cursor"]
    del cursor["required"]
    cursor["properties"]["agents"]["propertyNames"] = {"pattern": _AGENT_NUMBER}
    return found


def _said(snapshot: dict[str, Any], queues: dict[str, Any]) -> dict[str, Any]:
    """The payloads of the server's messages."""
    document = {
        name: _object(name, **{name: {"$ref": _SCHEMAS + model}}, cursor=_CURSOR)
        for name, model in {"direction": "Direction", "config": "FlockConfig"}.items()
    }
    control = {"control": {"$ref": f"{_SCHEMAS}Control"}, "hosts": _or_null({"$ref": f"{_SCHEMAS}HostCount"})}
    reference = _object("reference", of={"enum": list(_PUSHED[:-1])}, url=_TEXT, cursor=_CURSOR)
    reference["properties"] |= {"agent": _NUMBER, "key": _TEXT}
    entries = {"type": "array", "minItems": 1, "items": {"$ref": f"{_SCHEMAS}LogEntry"}}
    return {
        "snapshot": _object("snapshot", **{k: v for k, v in snapshot["properties"].items() if k != "type"}),
        "entry": _object("entry", agent=_NUMBER, entries=entries, cursor=_CURSOR),
        "agent": _object("agent", agent={"$ref": f"{_SCHEMAS}LiveAgent"}, cursor=_EMPTY_CURSOR),
        "control": _object("control", **control, cursor=_CURSOR),
        "file": _object(
            "file",
            key={"type": "string", "pattern": "^(output|knowledge-base)/"},
            etag={"type": "string", "description": "Empty where it was deleted."},
            size={**_NUMBER, "description": "Bytes."},
            deleted={"type": "boolean"},
            agent=_or_null(_NUMBER),
            iteration=_or_null(_NUMBER),
            cursor=_EMPTY_CURSOR,
        ),
        **document,
        "queues": _object("queues", **queues["properties"], cursor=_EMPTY_CURSOR),
        "reference": reference,
        "pong": _object("pong", cursor=_EMPTY_CURSOR),
        "error": _object("error", error=_TEXT, code={"enum": _codes()}, message=_TEXT, remedy=_TEXT),
    }


def _asked() -> dict[str, Any]:
    """The payloads of a client's messages."""
    return {
        "askSnapshot": _object("snapshot"),
        "resume": _object("resume", cursor=_CURSOR),
        "watch": _object("watch", queues={"type": "boolean"}),
        "ping": _object("ping"),
    }


def _message(name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    mine = name in _REPLIES
    bound = f"At most {MESSAGE_BYTES:,} characters." if name == "resume" else ""
    return {
        "name": name,
        "title": f"{payload['properties']['type']['const']} ({'client → server' if mine else 'server → client'})",
        "description": f"{_WHAT[name]} {bound}".strip(),
        "payload": payload,
        "examples": [{"name": name, "payload": example} for example in (asked if mine else said)()[name]],
    }


def _operations() -> dict[str, Any]:
    """What the server does: it tells, and it answers four questions."""
    here = {"$ref": "#/channels/live"}
    told = {
        "action": "send",
        "channel": here,
        "summary": "What changed, to every connection; `queues` to those who watch.",
        "messages": _in(_PUSHED),
    }
    answers = {
        name: {
            "action": "receive",
            "channel": here,
            "summary": _WHAT[name],
            "messages": _in([name]),
            "reply": {"channel": here, "messages": _in(replies)},
        }
        for name, replies in _REPLIES.items()
    }
    misunderstood = {
        "action": "send",
        "channel": here,
        "summary": "The answer to anything else.",
        "messages": _in(["error"]),
    }
    return {"tell": told, **answers, "misunderstand": misunderstood}


def _servers() -> dict[str, Any]:
    secured = {"security": [{"$ref": "#/components/securitySchemes/ticket"}]}
    return {
        "local": {
            "host": "127.0.0.1:{port}",
            "protocol": "ws",
            "description": "`murmur up` on this machine.",
            "variables": {"port": {"description": "As `murmur up` prints it."}},
            **secured,
        },
        "aws": {
            "host": "{api}.execute-api.{region}.amazonaws.com",
            "protocol": "wss",
            "description": "A deployed flock; `GET /settings.json` beside the dashboard says where.",
            "variables": {
                "api": {"description": "Id of the WebSocket API."},
                "region": {"description": "Region of the stack."},
            },
            **secured,
        },
    }


def _ticket() -> dict[str, Any]:
    return {"type": "object", "required": ["ticket"], "properties": {"ticket": {**_TEXT, "minLength": 1}}}


def _codes() -> list[str]:
    """The codes of everything that can go wrong."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MurmurError)]
    return sorted({kind.code for kind in kinds})


def _object(kind: str, **fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["type", *fields], "properties": {"type": {"const": kind}, **fields}}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _in(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/live/messages/{name}"} for name in names]


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
