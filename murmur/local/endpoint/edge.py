"""What stands before MiniStack: who may come in, and noticing when a caller has gone.

MiniStack answers anybody and lets every web page read its answers (``Access-Control-Allow-Origin: *``). Here a caller must
hold this endpoint's key, and a browser gets nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CREDENTIAL: Final = re.compile(rb"Credential=([^/]+)/\d{8}/[^/]+/([a-z0-9-]+)/aws4_request")
_BROWSER: Final = frozenset({b"origin", b"sec-fetch-site", b"sec-fetch-mode"})


class Edge:
    """ASGI application around MiniStack's: admits requests signed with ``key`` for one of ``services``, refuses the rest."""

    def __init__(self, app: App, key: str, port: int, services: frozenset[str]) -> None:
        self._app = app
        self._key = key.encode()
        self._hosts = frozenset({f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()})
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if refusal := self._refusal(scope):
            await _answer(send, *refusal)
            return
        await _until_gone(self._app, scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = dict(scope["headers"])
        if scope["type"] != "http" or headers.get(b"host") not in self._hosts or _BROWSER & headers.keys():
            return 403, "AccessDenied", "Only programs on this machine may use this endpoint."
        signed = _CREDENTIAL.search(headers.get(b"authorization", b""))
        if not signed or signed[1] != self._key:
            return 403, "InvalidClientTokenId", "The request is not signed with this endpoint's access key."
        if signed[2].decode() not in self._services:
            # MiniStack would load service after service to find who might answer: 3 s and 390 MB.
            return 400, "UnknownOperationException", f"This endpoint does not offer {signed[2].decode()}."
        return None


async def _answer(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"__type": code, "message": message}).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _until_gone(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the request, and cancel it when its caller hangs up: a poll nobody waits for would swallow the next message."""
    target = dict(scope["headers"]).get(b"x-amz-target", b"")
    if target != b"AmazonSQS.ReceiveMessage":
        await app(scope, receive, send)
        return
    body = await _whole(receive)
    if body is None:
        return
    unread: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return unread.pop() if unread else await receive()

    work = asyncio.ensure_future(app(scope, replay, send))
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
    await asyncio.gather(work, gone, return_exceptions=True)


async def _whole(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
