"""The gateway: one loopback address for the API, the dashboard and the live connection."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from functions.api.app import answer
from functions.api.errors import NoRoute, TooLarge, WrongMethod
from functions.live.live import MESSAGE_BYTES, Live
from murmur.errors import MurmurError, Unavailable
from murmur.listener import Listener
from murmur.local.gateway.bodies import read_body
from murmur.local.gateway.event import error_response, http_response, proxy_event
from murmur.local.gateway.pages import Pages
from murmur.local.gateway.publisher import LocalPublisher
from murmur.local.gateway.pump import pump
from murmur.local.gateway.security import Guard
from murmur.local.gateway.sockets import serve_socket
from murmur.local.loopback import HOST, listen
from murmur.ports import Inbox
from murmur.services import Services

_STOP_SECONDS: Final = 3
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_log = logging.getLogger(__name__)


class Gateway:
    """Serves ``services`` and the files of ``web_dir`` from ``start`` to ``stop``; tells dashboards what ``changes`` brings."""

    def __init__(
        self, services: Services, web_dir: Path, changes: Inbox, publisher: LocalPublisher | None = None
    ) -> None:
        self._services = services
        self._publisher = publisher or LocalPublisher()
        self._changes = changes
        self.live = Live(services, self._publisher)
        self._app = self._build(Pages(web_dir))
        self._server: Listener | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.url = ""

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 (0: any free port) and return the address. Raises Unavailable if the port is taken."""
        listener = _listen(port)
        server = Listener(_config(self._app))
        self._server = server
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="gateway")
        self._tasks = [serving]
        up = asyncio.create_task(server.up.wait())
        await asyncio.wait((serving, up), return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if serving.done():
            listener.close()
            raise Unavailable(
                "The gateway did not start.", "Look at its log; try another port."
            ) from serving.exception()
        self._tasks.append(asyncio.create_task(pump(self._changes, self.live), name="changes"))
        return self.url

    async def stop(self) -> None:
        """Close every connection and stop listening. Idempotent."""
        if self._server is None:
            return
        serving, *others = self._tasks
        for task in others:
            task.cancel()
        self._server.should_exit = True
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(serving), _STOP_SECONDS + 2)
        serving.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server = None
        self._tasks = []

    def _build(self, pages: Pages) -> Starlette:
        async def page(request: Request) -> Response:
            return await pages(request)

        async def live(websocket: WebSocket) -> None:
            await serve_socket(websocket, self._services.tickets, self.live, self._publisher)

        return Starlette(
            routes=[
                WebSocketRoute("/live", live),
                Route("/openapi.json", self._api, methods=_METHODS),
                Route("/cluster", self._api, methods=_METHODS),
                Route("/cluster/{rest:path}", self._api, methods=_METHODS),
                Route("/{rest:path}", page, methods=_METHODS),
            ],
            middleware=[Middleware(Guard)],
            exception_handlers={404: _nowhere, 405: _nowhere},
        )

    async def _api(self, request: Request) -> Response:
        try:
            event = proxy_event(request, await read_body(request, self._services.limits))
        except MurmurError as error:
            response = error_response(error)
            if isinstance(error, TooLarge):
                response.headers["Connection"] = "close"  # what it still sends is not read
            return response
        return http_response(await answer(event, self._services))


async def _nowhere(request: Request, _error: Exception) -> Response:
    """What the router itself refuses, such as a line break in the path or a method that HTTP does not know, in the shape of all errors."""
    if request.method not in _METHODS:
        return error_response(WrongMethod(f"{request.method[:20]!a} is not for this.", "Use GET."))
    path = request.scope["path"]
    return error_response(NoRoute(f"There is no {path[:120]!a}.", "GET /openapi.json lists all routes."))


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_STOP_SECONDS,
        limit_concurrency=512,
    )


def _listen(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        raise Unavailable(
            f"Port {port} of {HOST} cannot be used: {error.strerror}.", "Stop what uses it, or choose another port."
        ) from None
