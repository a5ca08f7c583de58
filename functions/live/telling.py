"""What is said: ``default`` answers a client's message, ``push`` tells every client what changed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from functions.live.handler import serve_batch, serve_message
from functions.live.live import Live
from murmur.aws.composition import Deployment
from murmur.aws.telemetry import Telemetry, request_id
from murmur.aws.warm import Warm

_TRACES: Final = 10
"""As many as a batch has."""
_log = logging.getLogger(__name__)


def _made() -> Live:
    deployment = Deployment()
    connections = deployment.connections()
    return Live(deployment.services(), deployment.publisher(connections), connections)


def _answer(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a client's message."""
    return warm.run(lambda live: serve_message(event, live))


def _push(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Tell what a batch of changes says."""
    records = event["Records"]
    telemetry.carry(traces=[trace for record in records if (trace := _trace(record))][:_TRACES])
    answer = warm.run(lambda live: serve_batch(event, live))
    again = len(answer["batchItemFailures"])
    telemetry.count("ChangesTold", len(records) - again)
    telemetry.took("ChangeLag", max((_age_ms(record) for record in records), default=0.0))
    _log.info("told %d changes, %d come again", len(records) - again, again)
    return answer


def _age_ms(record: Mapping[str, Any]) -> float:
    """How long a message was in the queue before it was told."""
    sent = str((record.get("attributes") or {}).get("SentTimestamp", ""))
    return max(0.0, time.time() * 1000 - int(sent)) if sent.isdecimal() else 0.0


def _trace(record: Mapping[str, Any]) -> str:
    """The id of the S3 event, which an agent's entry calls its trace."""
    try:
        event = json.loads(str(record.get("body", "")))
    except (ValueError, RecursionError):
        return ""
    return str(event.get("id", ""))[:64] if isinstance(event, dict) else ""


def _first_trace(event: Mapping[str, Any]) -> str:
    return next((trace for record in event.get("Records") or () if (trace := _trace(record))), "")


warm: Final = Warm(_made)
telemetry: Final = Telemetry()
default: Final = telemetry.wrap(_answer, request_id)
push: Final = telemetry.wrap(_push, _first_trace)
