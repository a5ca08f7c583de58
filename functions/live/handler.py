"""The Lambda shapes of the live view: messages of the WebSocket API, and batches of the changes queue."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from functions.live.live import Live
from murmur.change import Change, parse_change
from murmur.errors import InvalidInput

_log = logging.getLogger(__name__)


async def serve_message(event: Mapping[str, Any], live: Live) -> dict[str, Any]:
    """Serve one message of a client (route ``$default``)."""
    body = str(event.get("body") or "")
    if event.get("isBase64Encoded"):  # a binary frame
        body = base64.b64decode(body).decode("utf-8", "replace")
    await live.on_message(str(event["requestContext"]["connectionId"]), body)
    return {"statusCode": 200}


async def serve_batch(event: Mapping[str, Any], live: Live) -> dict[str, Any]:
    """Tell what a batch of SQS messages says; those that could not be told, because the store was busy, are named to come again.

    What is no change at all is logged and left out. Raises Unavailable if nobody could be told: then all of it comes again.
    """
    records: Sequence[Mapping[str, Any]] = event["Records"]
    keyed = [(str(record.get("messageId", "")), changes_of([str(record.get("body", ""))])) for record in records]
    untold = await live.on_changes([change for _, changes in keyed for change in changes])
    again = [message for message, changes in keyed if any(change.key in untold for change in changes)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}


def changes_of(bodies: list[str]) -> list[Change]:
    """The changes of a batch; what is none is logged and left out, so that it cannot hold up the others."""
    changes: list[Change] = []
    for body in bodies:
        try:
            changes.append(parse_change(body))
        except InvalidInput as error:
            _log.warning("a message of the changes queue was left out: %s", error)
    return changes
