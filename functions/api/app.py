"""The API put together: every group of routes, one validator, one place for errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from functions.api import analysis, cluster, directives, habitat, history, knowledge, logs, queues, words
from functions.api.errors import (
    ErrorBody,
    NoRoute,
    TooLarge,
    WrongMethod,
    invalid,
    logged,
    plain_response_of,
    response_of,
)
from functions.api.resolver import Raw, Resolver, validate
from murmur.errors import MurmurError
from murmur.services import Services

API_VERSION: Final = "1"
_RAW_BODY: Final = "/cluster/knowledge"

app = Resolver()
app.use([cast("Any", validate)])
for part in (cluster, words, directives, logs, habitat, knowledge, history, analysis, queues):
    app.include_router(part.router)


async def answer(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """Answer one API Gateway proxy event. Never raises: what nobody foresaw is logged, and answered with 500."""
    try:
        _check_size(event, services)
        return _hardened(await app.serve(event, services))
    except MurmurError as error:
        return _hardened(plain_response_of(error))
    except Exception as error:  # noqa: BLE001  # the edge of the program: a client never sees a trace
        return _hardened(plain_response_of(logged(error)))


@app.exception_handler(MurmurError)  # type: ignore[untyped-decorator]
def _murmur_error(error: MurmurError) -> Response[str]:
    return response_of(error)


@app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
def _validation_error(error: RequestValidationError) -> Response[str]:
    return response_of(invalid(error.errors()))


@app.not_found
def _no_route(_error: NotFoundError) -> Response[str]:
    path, method = app.context["_path"], app.current_event.http_method
    allowed = sorted({route.method for route in (*app._static_routes, *app._dynamic_routes) if route.rule.match(path)})  # noqa: SLF001  # Powertools has no public list of routes
    if not allowed:
        return response_of(NoRoute(f"There is no {path[:120]!a}.", "GET /openapi.json lists all routes."))
    response = response_of(WrongMethod(f"{method!a} is not for {path}.", f"Use {' or '.join(allowed)}."))
    response.headers["Allow"] = ", ".join(allowed)
    return response


@app.get("/openapi.json", include_in_schema=False)
async def openapi() -> Response[Any]:
    """This API, described."""
    return Raw(status_code=200, content_type="application/json", body=openapi_document())


def openapi_document() -> bytes:
    """The OpenAPI document, from the models."""
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title="Murmur",
            version=API_VERSION,
            description="A flock of agents: start it, watch it, read what it makes. Errors are one shape everywhere.",
        )
    )
    schemas = document["components"]["schemas"]
    schemas["Error"] = ErrorBody.model_json_schema()
    fields = {
        "$ref": "#/components/schemas/FlockConfig"
    }  # every field may be left out: what is left out stays as it is
    schemas["StartRequest"]["properties"]["config"] = {"anyOf": [fields, {"type": "null"}]}
    document["paths"]["/cluster/config"]["put"]["requestBody"]["content"]["application/json"]["schema"] = fields
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["responses"]["default"] = {"description": "What went wrong, and what to do.", "content": content}
            if (path, method) == (_RAW_BODY, "put"):
                operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
            if kind := _not_json(path):
                operation["responses"]["200"]["content"] = {kind: {"schema": {"type": "string", "format": "binary"}}}
    return json.dumps(document).encode()


def _not_json(path: str) -> str:
    """What a route that hands out files answers with; "" for one that answers in JSON."""
    return "application/zip" if path.endswith(".zip") else "*/*" if path.endswith("/file") else ""


def _check_size(event: Mapping[str, Any], services: Services) -> None:
    raw = event.get("path") == _RAW_BODY
    limit = services.limits.upload if raw else services.limits.json
    body = event.get("body") or ""
    size = len(body) * 3 // 4 - body[-2:].count("=") if event.get("isBase64Encoded") else len(body)
    if size > limit:
        raise TooLarge(f"The body has {size:,} bytes; {limit:,} are allowed.", "Send less at once.")


def _hardened(response: dict[str, Any]) -> dict[str, Any]:
    """The headers every answer carries."""
    headers = response.setdefault("multiValueHeaders", {})
    headers.setdefault("Cache-Control", ["no-store"])
    headers.setdefault("X-Content-Type-Options", ["nosniff"])
    return response
