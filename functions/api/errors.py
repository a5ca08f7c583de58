"""The one place where an error becomes a response."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from murmur.errors import InvalidInput, MurmurError, NotFound

_log = logging.getLogger(__name__)


class ErrorBody(BaseModel):
    """What every error says. ``error`` is the message and the remedy in one string, as the polling design had it."""

    error: str
    code: str
    message: str
    remedy: str


class TooLarge(InvalidInput):
    """More than fits. Remedy: the message names the limit and the way around it."""

    code = "too_large"
    http_status = 413


class WrongMethod(InvalidInput):
    """The route exists, but not with this method. Remedy: use one of the methods named."""

    code = "wrong_method"
    http_status = 405


class NoRoute(NotFound):
    """There is no such route. Remedy: GET /openapi.json lists them."""

    code = "no_route"


class Internal(MurmurError):
    """A fault of this program. Remedy: the log of the process tells more."""

    code = "internal"


INTERNAL: Final = Internal(
    "Something in Murmur failed.", "It was logged with its cause; try again, and report it if it stays."
)


def body_of(error: MurmurError) -> str:
    """The JSON of an error."""
    body = ErrorBody(error=str(error), code=error.code, message=error.message, remedy=error.remedy)
    return json.dumps(body.model_dump())


def response_of(error: MurmurError) -> Response[str]:
    """The response to an error of ours."""
    headers = {"Retry-After": "1"} if error.http_status == 503 else {}
    return Response(
        status_code=error.http_status, content_type="application/json", body=body_of(error), headers=headers
    )


def plain_response_of(error: MurmurError) -> dict[str, Any]:
    """The same as an API Gateway response, where no resolver is at hand."""
    return {
        "statusCode": error.http_status,
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "body": body_of(error),
        "isBase64Encoded": False,
    }


def invalid(errors: Sequence[Mapping[str, Any]]) -> InvalidInput:
    """A validation error in words: the first field that is wrong, and its rule."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return InvalidInput(
        f"{ascii(where[:120])[1:-1]}: {first['msg']}.", "Correct it and send it again; nothing was changed."
    )


def logged(error: BaseException) -> Internal:
    """A fault of ours: its cause goes to the log, never to the client."""
    _log.error("a request failed", exc_info=error)
    return INTERNAL
