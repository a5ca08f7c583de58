"""Request bodies, read within bounds."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from murmur.services import Limits

BODY_SECONDS: Final = 120.0
_UPLOAD_PATH: Final = "/cluster/knowledge"
_DRAINED: Final = 16 * 1024 * 1024


class BodyTooLarge(Exception):
    """The body is larger than ``limit`` bytes. Remedy: send less."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit:,} bytes.")
        self.limit = limit


class BodyTooSlow(Exception):
    """The body did not arrive in time, or not at all. Remedy: send it again."""


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body. Raises BodyTooLarge, having read a little more so that the client hears of it; BodyTooSlow."""
    limit = limits.upload if request.url.path == _UPLOAD_PATH else limits.json
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > limit + _DRAINED:
        raise BodyTooLarge(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size <= limit:
                    parts.append(part)
                elif size > limit + _DRAINED:
                    break
    except (TimeoutError, ClientDisconnect):
        raise BodyTooSlow from None
    if size > limit:
        raise BodyTooLarge(limit)
    return b"".join(parts)
