"""API Gateway's proxy integration in front of the API: the stage taken off the path, and every request told of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.api.handler import Entry
from murmur.aws.composition import Deployment
from murmur.aws.telemetry import Telemetry
from murmur.services import Services


def _services() -> Services:
    deployment = Deployment()
    deployment.cloud.require("lifecycle_function")
    return deployment.services()


def _answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response = _entry(_without_stage(event), context)
    _telemetry.count("Requests", 1)
    _telemetry.count("ServerErrors", int(response["statusCode"] >= 500))
    return response


def _without_stage(event: dict[str, Any]) -> dict[str, Any]:
    """The event with the path as our routes name it: behind the stage's, whichever way the request came."""
    path, stage = str(event.get("path") or "/"), (event.get("requestContext") or {}).get("stage") or ""
    prefix = f"/{stage}/"
    return {**event, "path": path[len(prefix) - 1 :]} if stage and path.startswith(prefix) else event


def _request_id(event: Mapping[str, Any]) -> str:
    return str((event.get("requestContext") or {}).get("requestId") or "")


_entry = Entry(_services)
_telemetry = Telemetry()
handler = _telemetry.wrap(_answer, _request_id)
"""Answers one API Gateway proxy event."""
