"""Routes of knowledge-base/: reference material for the agents."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api.download import file_response, type_of
from functions.api.errors import TooLarge
from functions.api.models import AfterKey, Done, FileQuery, Key, Limit
from functions.api.resolver import group, request, services
from murmur import keys, versions
from murmur.entry import timestamp
from murmur.errors import InvalidInput, ObjectMissing
from murmur.files import FileInfo, FileList, file_key, list_files
from murmur.ports import StoredObject
from murmur.versions import Versions

router = group()


@router.get("/cluster/knowledge", tags=["knowledge"])
async def knowledge(after: AfterKey = "", limit: Limit = 1000) -> FileList:
    """The reference material, ascending, a page at a time."""
    return await list_files(services().store, keys.KNOWLEDGE, after=after, limit=limit, authors={})


@router.get("/cluster/knowledge/file", tags=["knowledge"])
async def knowledge_file(what: Annotated[FileQuery, Query()]) -> Response[Any]:
    """One file of the reference material."""
    return await file_response(services(), file_key(keys.KNOWLEDGE, what.key), what)


@router.get("/cluster/knowledge/versions", tags=["knowledge"])
async def knowledge_versions(key: Key) -> Versions:
    """The present version of one file, and the one before its last upload."""
    return (await versions.find(services().store, file_key(keys.KNOWLEDGE, key)))[0]


@router.put("/cluster/knowledge", tags=["knowledge"])
async def put_knowledge(key: Key) -> FileInfo:
    """Upload one file: the request's body, byte for byte."""
    name = file_key(keys.KNOWLEDGE, key)
    body = _raw_body()
    limit = services().limits.upload
    if len(body) > limit:
        raise TooLarge(f"The file has {len(body):,} bytes; {limit:,} are allowed.", "Split it, or leave parts out.")
    given = request().headers.get("content-type") or ""
    old = await _present(name, limit)
    etag = await services().store.put(name, body, content_type=type_of(name, given))
    if old is not None and old.etag != etag:
        await versions.keep(services().store, old, {}, etag)
    return FileInfo(key=name, size=len(body), modified=timestamp(services().clock.now()), etag=etag)


@router.delete("/cluster/knowledge", tags=["knowledge"])
async def delete_knowledge(key: Key) -> Done:
    """Remove one file; one that is not there is no error."""
    await services().store.delete([file_key(keys.KNOWLEDGE, key)])
    return Done()


async def _present(name: str, limit: int) -> StoredObject | None:
    """The file as it is before an upload; None if there is none, or it is too large to keep."""
    try:
        head = await services().store.head(name)
        return await services().store.get(name) if head.size <= limit else None
    except ObjectMissing:
        return None


def _raw_body() -> bytes:
    event = request()
    body = event.body or ""
    if not event.is_base64_encoded:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise InvalidInput("The body is not what its encoding says.", "Send the file's bytes as the body.") from None
