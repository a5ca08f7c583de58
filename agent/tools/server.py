"""One warm MCP server for all agents of a host: streamable HTTP on loopback, a bearer token for every turn.

A token names a desk. The tool list is the same for everybody; what a call may do is the desk's to judge. The server keeps no
session: both protocol eras (``initialize`` and ``server/discover``) are answered request by request.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Mapping
from typing import Any, Final, Self, cast

import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams, TextContent, Tool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.tools.catalogue import INSTRUCTIONS, SERVER_NAME, SPECS
from agent.tools.desk import WRITE_LIMIT_BYTES, Desk
from murmur.errors import MurmurError, NotFound, Unavailable
from murmur.listener import Listener

BODY_LIMIT_BYTES: Final = 4 * WRITE_LIMIT_BYTES
"""A call's content may triple in size as escaped JSON."""
_KEEP_ALIVE_SECONDS: Final = 24 * 3600
"""A model may think for long between two calls; uvicorn's own five seconds would drop its connection."""
_START_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 3.0
_DESK: Final = "murmur.desk"

log = logging.getLogger(__name__)


class ToolServer:
    """Serves desks to agent processes. Use ``async with``, or ``start`` and ``stop``, in the host's own event loop."""

    def __init__(self) -> None:
        self._desks: dict[str, Desk] = {}
        self._calls: set[asyncio.Task[str]] = set()
        self._server: Listener | None = None
        self._serving: asyncio.Task[None] | None = None
        self._port = 0
        schemas = {name: spec.schema() for name, spec in SPECS.items()}
        self._tools = ListToolsResult(
            tools=[Tool(name=s.name, description=s.description, input_schema=schemas[s.name]) for s in SPECS.values()]
        )
        self._mcp: Server[Any] = Server(
            SERVER_NAME,
            version="1",
            instructions=INSTRUCTIONS,
            # Without this the modern era asks our own tools/list before each call, and every desk would look listed.
            get_tool_input_schema=schemas.get,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )

    @property
    def url(self) -> str:
        """Where the tools are, once started: ``http://127.0.0.1:PORT/mcp``."""
        return f"http://127.0.0.1:{self._port}/mcp"

    def open(self, desk: Desk) -> str:
        """Serve a desk; returns the bearer token that reaches it, and only it."""
        token = secrets.token_urlsafe(24)
        self._desks[token] = desk
        return token

    def close(self, token: str) -> None:
        """Forget the token: calls with it are answered 401. Its desk is closed. Idempotent."""
        desk = self._desks.pop(token, None)
        if desk is not None:
            desk.close()

    async def start(self) -> None:
        """Listen on a free loopback port. Raises Unavailable if the server does not come up."""
        listener = _listener()
        self._port = listener.getsockname()[1]
        mcp = self._mcp.streamable_http_app(
            json_response=True, stateless_http=True, max_request_body_size=BODY_LIMIT_BYTES, host="127.0.0.1"
        )
        config = uvicorn.Config(
            _Gate(mcp, self._desks),
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        self._server = Listener(config)
        self._serving = asyncio.create_task(self._server.serve([listener]), name="murmur tool server")
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait([up, self._serving], timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if not self._server.up.is_set():
            await self.stop()
            raise Unavailable("The tool server did not start.", "See the log of this host for the reason.")

    async def stop(self) -> None:
        """Close every desk, end every connection. Idempotent; done within a few seconds."""
        for token in tuple(self._desks):
            self.close(token)
        server, serving = self._server, self._serving
        self._server = self._serving = None
        if server is None or serving is None:
            return
        server.should_exit = True
        done, _ = await asyncio.wait([serving], timeout=_STOP_SECONDS)
        if not done:
            serving.cancel()
            await asyncio.wait([serving], timeout=_STOP_SECONDS)
        if self._calls:
            await asyncio.wait(self._calls, timeout=_STOP_SECONDS)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _list_tools(
        self, context: ServerRequestContext[Any, Any], _: PaginatedRequestParams | None
    ) -> ListToolsResult:
        _desk_of(context).listed.set()
        return self._tools

    async def _call_tool(self, context: ServerRequestContext[Any, Any], call: CallToolRequestParams) -> CallToolResult:
        work = asyncio.create_task(_answer(_desk_of(context), call.name, call.arguments or {}))
        self._calls.add(work)
        work.add_done_callback(self._calls.discard)
        try:
            # Shielded: a client that hangs up must not tear a write from the record of it.
            return _result(await asyncio.shield(work))
        except MurmurError as error:
            return _result(f"{error.message} {error.remedy}", is_error=True)


async def _answer(desk: Desk, name: str, arguments: Mapping[str, Any]) -> str:
    spec = SPECS.get(name)
    if spec is None:
        missing = NotFound(f"There is no tool {name[:40]!r}.", f"There are {', '.join(SPECS)}.")
        desk.refuse(missing.message)
        raise missing
    try:
        return await spec.call(desk, arguments)
    except MurmurError:
        raise
    except Exception as error:
        log.exception("agent-%d: %s failed", desk.agent, name[:40])
        raise Unavailable("The tool failed inside.", "Try once more; if it fails again, go on without it.") from error


def _result(text: str, *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


def _desk_of(context: ServerRequestContext[Any, Any]) -> Desk:
    return cast("Desk", cast("Request", context.request).scope[_DESK])


def _listener() -> socket.socket:
    # Named protocol: asyncio sets TCP_NODELAY only on sockets that say IPPROTO_TCP (48 ms a call otherwise).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    return listener


class _Gate:
    """Lets a request through to the app only with the token of an open desk."""

    def __init__(self, app: ASGIApp, desks: Mapping[str, Desk]) -> None:
        self._app = app
        self._desks = desks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            desk = self._desks.get(_bearer(scope))
            if desk is None:
                refusal = PlainTextResponse("This turn's token is unknown or has ended.", 401)
                await refusal(scope, receive, send)
                return
            desk.heard()
            scope[_DESK] = desk
        await self._app(scope, receive, send)


def _bearer(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if kind.lower() == "bearer" else ""
    return ""
