"""Handing out files as they are: the right type and name, and no power over the page that shows them."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response

from functions.api.errors import TooLarge
from functions.api.models import FileQuery
from functions.api.resolver import Raw
from murmur import keys, versions
from murmur.errors import NotFound
from murmur.ports import StoredObject
from murmur.services import Services

SANDBOX: Final = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""For what agents and operators put into the bucket: opened in a browser, it is nobody's origin and runs nothing."""
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "gif": "image/gif",
    "htm": "text/html; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webp": "image/webp",
    "xml": "application/xml",
    "zip": "application/zip",
}
_UNKNOWN: Final = "application/octet-stream"
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{1,200}")


def type_of(key: str, stored: str = "") -> str:
    """The content type: by the name's ending, else what was stored with it."""
    found = _TYPES.get(key.rpartition(".")[2].lower(), "") if "." in key.rpartition("/")[2] else ""
    return found or (stored if _HEADER_VALUE.fullmatch(stored) else _UNKNOWN)


def disposition(key: str, *, attachment: bool) -> str:
    """Content-Disposition for a name in any script (RFC 6266): a plain one for old clients, the true one beside it."""
    name = key.rpartition("/")[2]
    plain = re.sub(r'[^\x20-\x7e]|["\\%;]', "_", name)
    return f"{'attachment' if attachment else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def file_response(services: Services, named: str, what: FileQuery, run: str = "") -> Response[Any]:
    """The file ``named``, of an earlier run's if ``run`` is given: entirely, in part, or rendered. Raises ObjectMissing, TooLarge."""
    key, size = await _place(services, named, what, run)
    rest = max(0, size - what.offset)
    wanted = rest if what.length is None else min(rest, what.length)
    limit = services.limits.rendered if what.rendered else services.limits.response
    if wanted > limit:
        raise TooLarge(
            f"{named!r} has {size:,} bytes; at most {limit:,} can be sent at once.",
            "Ask for a part with offset and length" + (", or without rendered=html." if what.rendered else "."),
        )
    found = await services.store.get(key, start=what.offset, length=wanted)
    if what.rendered:
        return await _rendered(found)
    return _plain(found, named, size, attachment=what.download)


async def _place(services: Services, named: str, what: FileQuery, run: str) -> tuple[str, int]:
    """The object to read, and how many bytes of it are the version asked for. Raises ObjectMissing, NotFound."""
    if not what.version:
        head = await services.store.head(keys.history(run, named) if run else named)
        return head.key, head.size
    _, kept = await versions.find(services.store, named, run)
    if kept is None:
        raise NotFound(
            f"{named!r} has no previous version.", "It was written once, or what it was before was not kept."
        )
    return kept.key, kept.version.size


def archive_response(body: bytes, name: str) -> Response[Any]:
    """An archive to save."""
    headers = {**_guards(), "Content-Disposition": disposition(name, attachment=True)}
    return Raw(status_code=200, content_type="application/zip", body=body, headers=headers)


async def _rendered(found: StoredObject) -> Response[Any]:
    from functions.api.render import render  # noqa: PLC0415 - its parser is loaded by those who ask for it

    html = await asyncio.to_thread(render, found.body.decode("utf-8", "replace"))
    return Response(status_code=200, content_type="text/html; charset=utf-8", body=html, headers=_guards())


def _plain(found: StoredObject, named: str, size: int, *, attachment: bool) -> Response[Any]:
    headers = {
        **_guards(),
        "Content-Disposition": disposition(named, attachment=attachment),
        "ETag": f'"{found.etag}"',
        "Murmur-Size": str(size),
    }
    return Raw(status_code=200, content_type=type_of(named, found.content_type), body=found.body, headers=headers)


def _guards() -> dict[str, str]:
    return {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": SANDBOX, "Cache-Control": "no-store"}
