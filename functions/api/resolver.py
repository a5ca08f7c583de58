"""The Powertools resolver, made safe for requests that overlap.

Lambda gives a process one request at a time, and Powertools keeps the request in class attributes. The gateway of one
machine serves many at once, so here the request lives in context variables. Validation runs in the request's own task:
Powertools would hand it to a thread pool, twice a request, and wait.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, cast

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
    OpenAPIResponseValidationMiddleware,
)
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from murmur.errors import InvalidInput
from murmur.services import Services

_event: ContextVar[APIGatewayProxyEvent] = ContextVar("murmur_event")
_services: ContextVar[Services] = ContextVar("murmur_services")
_context: ContextVar[dict[str, Any]] = ContextVar("murmur_context")

_request_check = OpenAPIRequestValidationMiddleware()  # type: ignore[no-untyped-call]
_response_check = OpenAPIResponseValidationMiddleware(has_response_validation_error=True)

Next = Callable[["Resolver"], Awaitable[Response[Any]]]


class Resolver(APIGatewayRestResolver):
    """APIGatewayRestResolver whose request state belongs to the task that serves the request."""

    @property
    def current_event(self) -> APIGatewayProxyEvent:  # type: ignore[override]  # the base keeps a class attribute
        """The request."""
        return _event.get()

    @property
    def context(self) -> dict[str, Any]:
        """What Powertools remembers between the steps of one request."""
        found = _context.get(None)
        if found is None:
            found = {}
            _context.set(found)
        return found

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        _context.set(value)

    @property
    def processed_stack_frames(self) -> list[str]:
        """Powertools' debug trace; each request has its own, and nobody reads it."""
        return self.context.setdefault("_frames", [])  # type: ignore[no-any-return]  # the dict is Powertools'

    @processed_stack_frames.setter
    def processed_stack_frames(self, value: list[str]) -> None:
        self.context["_frames"] = value

    async def serve(self, event: Mapping[str, Any], services: Services) -> dict[str, Any]:
        """Answer one API Gateway proxy event with these services."""
        _event.set(APIGatewayProxyEvent(dict(event)))
        _services.set(services)
        _context.set({})
        return await self.resolve_async(event, LambdaContext())


class Raw(Response[bytes]):
    """A response whose body goes out byte for byte, also when its type is JSON."""

    def is_json(self) -> bool:
        """Never: Powertools would encode it again."""
        return False


def group() -> Router:
    """An empty group of routes."""
    return Router()  # type: ignore[no-untyped-call]


def services() -> Services:
    """The services of the request being served."""
    return _services.get()


def request() -> APIGatewayProxyEvent:
    """The request being served."""
    return _event.get()


async def validate(app: Resolver, next_middleware: Next) -> Response[Any]:
    """Check the request against its route's models, and the response against its own."""
    route = app.context["_route"]
    if route.dependant.body_params:
        _check_json(app.current_event)
    _request_check.handler(app, cast("Any", _nothing))
    response = await next_middleware(app)
    if isinstance(response, Raw):
        return response
    checked: Response[Any] = _response_check.handler(app, cast("Any", lambda _app: response))
    return checked


def _nothing(_app: Any) -> Response[Any]:
    return Response(status_code=204)


def _check_json(event: APIGatewayProxyEvent) -> None:
    kind = (event.headers.get("content-type") or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput(
            f"The body is {kind[:60]!a}; it must be JSON.", "Send it with Content-Type: application/json."
        )
    try:
        event.json_body  # noqa: B018  # parsed here once, so that every way it can be wrong ends in one place
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "it cannot be decoded"
        raise InvalidInput(f"The body is not JSON: {reason}.", "Send one JSON object in UTF-8.") from None
