"""Request bodies, read within bounds."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from functions.api.errors import TooLarge
from murmur.errors import InvalidInput
from murmur.services import Limits

BODY_SECONDS: Final = 120.0
_UPLOAD_PATH: Final = "/cluster/knowledge"
_DRAINED: Final = 16 * 1024 * 1024


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body. Raises TooLarge, having read a little more so that the client hears of it; InvalidInput if it does not come."""
    limit = limits.upload if request.url.path == _UPLOAD_PATH else limits.json
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > limit + _DRAINED:
        raise _too_large(limit)
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
        raise InvalidInput("The body did not arrive.", "Send it again.") from None
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit:,} bytes.", "Send less at once.")
