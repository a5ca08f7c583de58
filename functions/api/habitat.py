"""Routes of output/: what the agents made."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api.archive import zip_output
from functions.api.download import archive_response, file_response
from functions.api.models import AfterKey, FileQuery, Key, Limit
from functions.api.resolver import group, services
from murmur import keys, versions
from murmur.files import FileList, file_key, list_files, read_authors
from murmur.versions import Versions

router = group()


@router.get("/cluster/habitat", tags=["habitat"])
async def habitat(after: AfterKey = "", limit: Limit = 1000) -> FileList:
    """The files in output/, ascending, a page at a time."""
    store = services().store
    size = (await services().read_config()).config.concurrency
    return await list_files(
        store, keys.OUTPUT, after=after, limit=limit, authors=await read_authors(store, range(size))
    )


@router.get("/cluster/habitat/file", tags=["habitat"])
async def habitat_file(what: Annotated[FileQuery, Query()]) -> Response[Any]:
    """One file of output/: as it is, a part of it, or its Markdown rendered."""
    return await file_response(services(), file_key(keys.OUTPUT, what.key), what)


@router.get("/cluster/habitat/versions", tags=["habitat"])
async def habitat_versions(key: Key) -> Versions:
    """Which turn wrote one file of output/, and which the version before; file?version=previous reads that."""
    return (await versions.find(services().store, file_key(keys.OUTPUT, key)))[0]


@router.get("/cluster/habitat.zip", tags=["habitat"])
async def habitat_zip() -> Response[Any]:
    """All of output/ in one archive."""
    return archive_response(await zip_output(services()), "output.zip")
