"""The Lambda shapes of the live view: WebSocket events, and batches of the changes queue."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from functions.live.live import Live
from murmur.change import Change, parse_change
from murmur.errors import InvalidInput

_log = logging.getLogger(__name__)
_OK = {"statusCode": 200}


async def answer(event: Mapping[str, Any], live: Live) -> dict[str, Any]:
    """Serve one event: of the WebSocket API, or a batch of SQS messages."""
    if "Records" in event:
        await live.on_changes(changes_of([str(record.get("body", "")) for record in event["Records"]]))
        return {"batchItemFailures": []}
    context = event["requestContext"]
    connection = str(context["connectionId"])
    match context["eventType"]:
        case "CONNECT":
            ticket = (event.get("queryStringParameters") or {}).get("ticket", "")
            admitted = await live.admit(ticket, str((context.get("identity") or {}).get("sourceIp", "")))
            return _OK if admitted else {"statusCode": 401}
        case "DISCONNECT":
            await live.on_disconnect(connection)
        case _:
            await live.on_message(connection, str(event.get("body") or ""))
    return _OK


def changes_of(bodies: list[str]) -> list[Change]:
    """The changes of a batch; what is none is logged and left out, so that it cannot hold up the others."""
    changes: list[Change] = []
    for body in bodies:
        try:
            changes.append(parse_change(body))
        except InvalidInput as error:
            _log.warning("a message of the changes queue was left out: %s", error)
    return changes
