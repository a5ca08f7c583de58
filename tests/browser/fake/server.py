"""The gateway's shapes over a FakeFlock: REST, WebSocket and web/, on loopback, with the strict policy of the real one."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import secrets
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import nh3
import uvicorn
from markdown_it import MarkdownIt
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from functions.api.app import openapi_document
from murmur.errors import MurmurError, ObjectMissing
from murmur.local.gateway.pages import policy
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.rooms import Rooms

WEB = Path(__file__).parents[3] / "web"


class Api:
    """The routes, each a few lines over the flock."""

    def __init__(self, flock: FakeFlock) -> None:
        self.flock = flock
        self.tickets: set[str] = set()

    async def status(self, _: Request) -> Response:
        return JSONResponse(self.flock.status())

    async def snapshot(self, _: Request) -> Response:
        return JSONResponse(self.flock.snapshot())

    async def config(self, request: Request) -> Response:
        if request.method == "PUT":
            self.flock.config = self.flock.config.merged(await request.json())
            await self.flock.push({"type": "config", "config": self.flock.config.model_dump()})
        return JSONResponse(self.flock.config.model_dump())

    async def direction(self, request: Request) -> Response:
        if request.method == "PUT":
            await self.flock.direct((await request.json())["text"])
        return JSONResponse(self.flock.direction)

    async def act(self, request: Request) -> Response:
        body = await request.json()
        verb = request.path_params["verb"]
        if verb == "start":
            self.flock.config = self.flock.config.merged(body.get("config", {}))
            if "direction" in body:
                await self.flock.direct(body["direction"])
        return JSONResponse(await self.flock.act(verb), 202 if verb in ("start", "stop") else 200)

    async def log(self, request: Request) -> Response:
        agent = int(request.path_params["agent"])
        after, limit = int(request.query_params.get("after", -1)), int(request.query_params.get("limit", 100))
        newer = [entry for entry in self.flock.logs[agent] if entry["iteration"] > after]
        return JSONResponse({"agent": agent, "entries": newer[:limit], "more": len(newer) > limit, "bad_lines": 0})

    async def directive(self, request: Request) -> Response:
        agent = request.path_params["agent"]
        if request.method == "GET":
            return JSONResponse({"agent": agent, "text": self.flock.directives.get(agent, ""), "etag": ""})
        text = (await request.json())["text"] if request.method == "PUT" else ""
        return JSONResponse(await self.flock.direct_agent(agent, text))

    async def openapi(self, _: Request) -> Response:
        return Response(openapi_document(), media_type="application/json")

    async def settings(self, _: Request) -> Response:
        return JSONResponse(self.flock.settings)

    async def habitat(self, _: Request) -> Response:
        return JSONResponse(self.flock.listing("output/"))

    async def knowledge(self, request: Request) -> Response:
        if request.method == "PUT":
            key = f"knowledge-base/{request.query_params['key']}"
            await self.flock.put_file(key, await request.body())
            return JSONResponse(self.flock.files[key][1])
        return JSONResponse(self.flock.listing("knowledge-base/"))

    async def file(self, request: Request) -> Response:
        key = request.query_params["key"]
        if key not in self.flock.files or key in self.flock.gone:
            raise ObjectMissing(key)
        versions = self.flock.older if request.query_params.get("version") else self.flock.files
        body = versions[key][0]
        if request.query_params.get("rendered") == "html":
            rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(body.decode())
            return HTMLResponse(nh3.clean(rendered) if self.flock.clean else rendered)
        if "length" in request.query_params:
            body = body[: int(request.query_params["length"])]
        headers = {"Content-Disposition": "attachment"} if "download" in request.query_params else {}
        return Response(body, media_type=mimetypes.guess_type(key)[0] or "text/plain", headers=headers)

    async def ticket(self, _: Request) -> Response:
        ticket = secrets.token_hex(8)
        self.tickets.add(ticket)
        return JSONResponse({"ticket": ticket, "expires_seconds": 30})

    async def live(self, socket: WebSocket) -> None:
        ticket = socket.query_params.get("ticket", "")
        if self.flock.refuse_sockets or ticket not in self.tickets:
            await socket.close(1008)
            return
        self.tickets.discard(ticket)
        await socket.accept()
        self.flock.sockets.add(socket)
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(socket))
                ender = group.create_task(self.flock.ended.wait())
                await asyncio.wait((reader, ender), return_when=asyncio.FIRST_COMPLETED)
                reader.cancel()
                ender.cancel()
        finally:
            self.flock.sockets.discard(socket)

    async def _read(self, socket: WebSocket) -> None:
        try:
            while True:
                await self._answer(socket, json.loads(await socket.receive_text()))
        except (WebSocketDisconnect, RuntimeError):
            return

    async def _answer(self, socket: WebSocket, message: dict[str, Any]) -> None:
        self.flock.requests.append(("WS", message["type"], message))
        match message["type"]:
            case "snapshot":
                answers = [self.flock.snapshot()]
            case "resume":
                answers = self.flock.since(message["cursor"])
            case _:
                answers = [{"type": "pong", "cursor": {}}]
        if self.flock.references:
            answers = [self._reference(answer) for answer in answers]
        for answer in answers:
            await socket.send_text(json.dumps(answer))

    def _reference(self, message: dict[str, Any]) -> dict[str, Any]:
        """As a message too large for a frame is sent."""
        urls = {"snapshot": "/cluster/snapshot", "direction": "/cluster/direction"}
        if message["type"] == "entry":
            urls["entry"] = f"/cluster/agents/{message['agent']}/log?after={message['entries'][0]['iteration'] - 1}"
        kind = message["type"]
        if kind not in urls:
            return message
        return {"type": "reference", "of": kind, "url": urls[kind], "cursor": message["cursor"]}


class Frame:
    """Around every request: the record, the outage, the policy, and errors as the API words them."""

    def __init__(self, app: ASGIApp, flock: FakeFlock) -> None:
        self.app = app
        self.flock = flock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""
        noted = False
        refused: JSONResponse | None = None
        headers = Headers(scope=scope)
        host = headers.get("host", "")

        def note() -> None:
            """Once, before the call has any effect that the page could show."""
            nonlocal noted
            if not noted and not refused:
                self.flock.requests.append((scope["method"], scope["path"], parsed(body)))
            noted = True

        async def recorded() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                note()
            return message

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                note()
                extra = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
                if self.flock.policy:
                    extra.append((b"content-security-policy", policy(host).encode()))
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        bearers = self.flock.bearers if scope["path"].startswith("/cluster") else None
        if self.flock.down and scope["path"].startswith("/cluster"):
            error = {"error": "Away. Wait.", "code": "unavailable", "message": "Away.", "remedy": "Wait."}
            refused = JSONResponse(error, 503)
        elif bearers is not None and headers.get("authorization") not in bearers:
            refused = JSONResponse({"message": "Unauthorized"}, 401)
        await (refused or self.app)(scope, recorded, framed)


def parsed(body: bytes) -> Any:
    """As a test compares it: JSON, other bytes, or None."""
    return json.loads(body) if body[:1] == b"{" else body or None


async def refused(_: Request, error: Exception) -> Response:
    """A murmur error in the API's shape."""
    assert isinstance(error, MurmurError)
    body = {"error": str(error), "code": error.code, "message": error.message, "remedy": error.remedy}
    return JSONResponse(body, error.http_status)


async def absent(request: Request, _: Exception) -> Response:
    """404 in plain words."""
    return PlainTextResponse(f"nothing at {request.url.path}", 404)


def build(flock: FakeFlock) -> Starlette:
    """The application."""
    api = Api(flock)
    routes: list[BaseRoute] = [
        *flock.routes,
        Route("/cluster/status", api.status),
        Route("/cluster/snapshot", api.snapshot),
        Route("/cluster/config", api.config, methods=["GET", "PUT"]),
        Route("/cluster/direction", api.direction, methods=["GET", "PUT"]),
        Route("/settings.json", api.settings),
        Route("/openapi.json", api.openapi),
        Route("/cluster/agents/{agent:int}/log", api.log),
        Route("/cluster/agents/{agent:int}/directive", api.directive, methods=["GET", "PUT", "DELETE"]),
        Route("/cluster/habitat", api.habitat),
        Route("/cluster/habitat/file", api.file),
        Route("/cluster/knowledge/file", api.file),
        Route("/cluster/knowledge", api.knowledge, methods=["GET", "PUT"]),
        Route("/cluster/ticket", api.ticket, methods=["POST"]),
        *Rooms(flock).routes(),
        Route("/cluster/{verb:str}", api.act, methods=["POST"]),
        WebSocketRoute("/live", api.live),
        Mount("/", StaticFiles(directory=WEB, html=True)),
    ]
    app = Starlette(routes=routes, exception_handlers={MurmurError: refused, HTTPException: absent})
    app.add_middleware(Frame, flock=flock)
    return app


@asynccontextmanager
async def serving(flock: FakeFlock, port: int = 0) -> AsyncIterator[str]:
    """Serve the flock on loopback; gives the address."""
    listener = sockets.socket()
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        build(flock), log_level="warning", lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment]  # the test's own signals stay its own
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        flock.ended.set()
        server.should_exit = True
        await task
        listener.close()
