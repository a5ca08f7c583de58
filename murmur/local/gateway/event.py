"""HTTP as API Gateway tells it to Lambda, and Lambda's answer as HTTP."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from functions.api.errors import plain_response_of
from murmur.errors import InvalidInput, MurmurError

_MOST_FIELDS: Final = 100


def proxy_event(request: Request, body: bytes) -> dict[str, Any]:
    """The REST proxy event (payload 1.0, no stage in the path) of a request. Raises InvalidInput."""
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        headers.setdefault(name, []).append(value)
    query: dict[str, list[str]] = {}
    for name, value in _fields(request.url.query):
        query.setdefault(name, []).append(value)
    path = request.scope["path"]
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()},
        "multiValueQueryStringParameters": query,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "path": path,
            "stage": "",
            "httpMethod": request.method,
            "identity": {"sourceIp": address_of(request)},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def _fields(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise InvalidInput("The query has too many fields.", f"Send at most {_MOST_FIELDS}.") from None


def http_response(answer: Mapping[str, Any]) -> Response:
    """Lambda's answer as a response."""
    text = answer.get("body") or ""
    body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
    response = Response(body, status_code=answer["statusCode"])
    for name, values in answer.get("multiValueHeaders", {}).items():
        for value in values if isinstance(values, list) else [values]:
            response.headers.append(name, value)
    return response


def error_response(error: MurmurError) -> Response:
    """An error of ours as a response."""
    return http_response(plain_response_of(error))


def address_of(connection: Any) -> str:
    """The network address of the other end."""
    return str(connection.client.host) if connection.client else ""
