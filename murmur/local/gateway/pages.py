"""The dashboard's files, from web/: never cached, and allowed nothing but themselves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from functions.api.errors import NoRoute, WrongMethod
from murmur.local.gateway.event import error_response

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


SETTINGS: Final = {"live": None, "auth": None, "aws": False}
"""What the dashboard asks of every deployment: here the WebSocket is at this address, and nobody signs in."""


class Pages:
    """Serves the files below ``folder``; "/" is its index.html."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def __call__(self, request: Request) -> Response:
        """One file, or 404."""
        path = request.scope["path"]
        if request.method not in ("GET", "HEAD"):
            return error_response(WrongMethod(f"{request.method} is not for pages.", "Use GET."))
        if path == "/settings.json":
            return JSONResponse(SETTINGS)
        file = self._find(path)
        if file is None:
            return error_response(NoRoute(f"There is no {path[:120]!a}.", "The dashboard is at /."))
        body = await asyncio.to_thread(file.read_bytes)
        headers = {"Content-Security-Policy": policy(request.headers["host"]), "Cache-Control": "no-store"}
        response = Response(body, headers=headers)
        response.headers["Content-Type"] = _TYPES.get(file.suffix.lower(), "application/octet-stream")
        return response

    def _find(self, path: str) -> Path | None:
        """The file a path names; None if there is none inside the folder."""
        relative = "index.html" if path == "/" else path.lstrip("/")
        if "\x00" in relative or any(part.startswith(".") for part in relative.split("/")):
            return None
        try:
            file = (self._folder / relative).resolve()
            return file if file.is_relative_to(self._folder) and file.is_file() else None
        except OSError:
            return None


def policy(host: str) -> str:
    """The dashboard's Content-Security-Policy: its own scripts, styles and images, its own API and WebSocket."""
    return (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; connect-src 'self' ws://{host}"
    )
