"""Who may talk to the gateway: this machine's own pages and programs, and nobody by way of them.

The Host header must name this machine, which defeats DNS rebinding. A page of another origin may neither open the
WebSocket nor send anything but a plain GET, and what it embeds it cannot read.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.errors import body_of
from murmur.errors import Refused

_NAMES: Final = ("127.0.0.1", "localhost")
_READING: Final = ("GET", "HEAD")
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'"


class Guard:
    """Refuses what is not from here, and puts the protective headers on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        reason = refusal(scope)
        if scope["type"] == "websocket":
            if reason:
                await send({"type": "websocket.close", "code": 1008, "reason": reason})
            else:
                await self._app(scope, receive, send)
        elif reason:
            await _refuse(_with_headers(send), reason)
        else:
            await self._app(scope, receive, _with_headers(send))


def refusal(scope: Scope) -> str:
    """Why this request is refused; "" if it is not."""
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    port = scope["server"][1] if scope.get("server") else None
    if len(hosts) != 1 or not _is_here(hosts[0], port):
        return "the Host header does not name this machine"
    origins = headers.getlist("origin")
    if any(origin != f"http://{hosts[0]}" for origin in origins):
        return "the request comes from another origin"
    changing = scope["type"] == "websocket" or scope["method"] not in _READING
    if changing and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return "the request comes from another site"
    return ""


def _is_here(host: str, port: int | None) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        named = parts.port if parts.port is not None else 80
    except ValueError:
        return False
    return host == (parts.netloc) and parts.hostname in _NAMES and "@" not in host and named == port


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _ALWAYS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", _NO_PAGE)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


async def _refuse(send: Send, reason: str) -> None:
    remedy = "Open the address that `murmur up` printed, in this machine's own browser or with the murmur command."
    body = body_of(Refused(f"Refused: {reason}.", remedy))
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body.encode()})
