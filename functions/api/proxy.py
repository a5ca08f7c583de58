"""API Gateway's proxy integration in front of the API: the stage taken off the path, and every request told of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.api.app import answer
from functions.api.errors import logged, plain_response_of
from murmur.aws.composition import Deployment
from murmur.aws.telemetry import Telemetry, request_id
from murmur.aws.warm import Warm
from murmur.errors import MurmurError
from murmur.services import Services


def serve(event: Mapping[str, Any], api: Warm[Services]) -> dict[str, Any]:
    """Answer one proxy event. Never raises: a deployment that cannot be put together is an answer, too."""
    try:
        return api.run(lambda services: answer(_without_stage(event), services))
    except MurmurError as error:
        return plain_response_of(error)
    except Exception as error:  # noqa: BLE001  # the edge of the program: a client never sees a trace
        return plain_response_of(logged(error))


def _made() -> Services:
    deployment = Deployment()
    deployment.cloud.require("lifecycle_function")
    return deployment.services()


def _handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    response = serve(event, warm)
    telemetry.count("Requests", 1)
    telemetry.count("ServerErrors", int(response["statusCode"] >= 500))
    return response


def _without_stage(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event with the path as our routes name it: behind the stage's, whichever way the request came."""
    path, stage = str(event.get("path") or "/"), (event.get("requestContext") or {}).get("stage") or ""
    prefix = f"/{stage}/"
    return {**event, "path": path[len(prefix) - 1 :]} if stage and path.startswith(prefix) else event


warm: Final = Warm(_made)
telemetry: Final = Telemetry()
handler: Final = telemetry.wrap(_handle, request_id)
"""Answers one API Gateway proxy event."""
