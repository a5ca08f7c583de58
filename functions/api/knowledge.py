"""Routes of knowledge-base/: reference material for the agents."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api.download import file_response, type_of
from functions.api.errors import TooLarge
from functions.api.habitat import After
from functions.api.models import Done, FileQuery, Limit, Text
from functions.api.resolver import group, request, services
from murmur import keys
from murmur.entry import timestamp
from murmur.errors import InvalidInput
from murmur.files import FileInfo, FileList, file_key, list_files

router = group()

Key = Annotated[Text, Query(min_length=1, description="The file's name, with or without its folder.")]


@router.get("/cluster/knowledge", tags=["knowledge"])
async def knowledge(after: After = "", limit: Limit = 1000) -> FileList:
    """The reference material, ascending, a page at a time."""
    return await list_files(services().store, keys.KNOWLEDGE, after=after, limit=limit, authors={})


@router.get("/cluster/knowledge/file", tags=["knowledge"])
async def knowledge_file(what: Annotated[FileQuery, Query()]) -> Response[Any]:
    """One file of the reference material."""
    name = file_key(keys.KNOWLEDGE, what.key)
    return await file_response(services(), name, name, what)


@router.put("/cluster/knowledge", tags=["knowledge"])
async def put_knowledge(key: Key) -> FileInfo:
    """Upload one file: the request's body, byte for byte."""
    name = file_key(keys.KNOWLEDGE, key)
    body = _raw_body()
    limit = services().limits.upload
    if len(body) > limit:
        raise TooLarge(f"The file has {len(body):,} bytes; {limit:,} are allowed.", "Split it, or leave parts out.")
    given = request().headers.get("content-type") or ""
    etag = await services().store.put(name, body, content_type=type_of(name, given))
    return FileInfo(key=name, size=len(body), modified=timestamp(services().clock.now()), etag=etag)


@router.delete("/cluster/knowledge", tags=["knowledge"])
async def delete_knowledge(key: Key) -> Done:
    """Remove one file; one that is not there is no error."""
    await services().store.delete([file_key(keys.KNOWLEDGE, key)])
    return Done()


def _raw_body() -> bytes:
    event = request()
    body = event.body or ""
    if not event.is_base64_encoded:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise InvalidInput("The body is not what its encoding says.", "Send the file's bytes as the body.") from None
