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
from murmur.aws.looping import Loop
from murmur.aws.telemetry import Telemetry

_TRACES: Final = 10
"""As many as a batch has."""
_log = logging.getLogger(__name__)


class Voice:
    """The live view of this process, made at the first event."""

    def __init__(self) -> None:
        self._loop = Loop()
        self._live: Live | None = None

    def answer(self, event: dict[str, Any], _context: object) -> dict[str, Any]:
        """Answer a client's message."""
        return self._loop.run(serve_message(event, self._made()))

    def push(self, event: dict[str, Any], _context: object) -> dict[str, Any]:
        """Tell what a batch of changes says."""
        records = event["Records"]
        telemetry.told(traces=[trace for record in records if (trace := _trace(record))][:_TRACES])
        answer = self._loop.run(serve_batch(event, self._made()))
        again = len(answer["batchItemFailures"])
        telemetry.count("ChangesTold", len(records) - again)
        telemetry.took("ChangeLag", max((_age_ms(record) for record in records), default=0.0))
        _log.info("told %d changes, %d come again", len(records) - again, again)
        return answer

    def close(self) -> None:
        """Forget the live view."""
        self._loop.close()
        self._live = None

    def _made(self) -> Live:
        if self._live is None:
            deployment = Deployment()
            connections = deployment.connections()
            self._live = Live(deployment.services(), deployment.publisher(connections), connections)
        return self._live


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


def _request_id(event: Mapping[str, Any]) -> str:
    return str((event.get("requestContext") or {}).get("requestId") or "")


voice = Voice()
telemetry = Telemetry()
default = telemetry.wrap(voice.answer, _request_id)
push = telemetry.wrap(voice.push, _first_trace)
