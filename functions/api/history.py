"""Routes of earlier runs: their logs and their files."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import past
from functions.api.archive import zip_output
from functions.api.download import archive_response, file_response
from functions.api.logs import read_page
from functions.api.models import (
    AfterIteration,
    AfterKey,
    Agent,
    EntryPage,
    FileQuery,
    Key,
    Limit,
    Newest,
    RunDetail,
    RunList,
)
from functions.api.resolver import group, services
from murmur import keys, versions
from murmur.files import file_key
from murmur.logs import LogReader
from murmur.versions import Versions

router = group()


@router.get("/cluster/history", tags=["history"])
async def history(limit: Limit = 50) -> RunList:
    """Earlier runs, newest first."""
    return await past.list_runs(services().store, limit)


@router.get("/cluster/history/<run>", tags=["history"])
async def one_run(run: str, after: AfterKey = "", limit: Limit = 1000) -> RunDetail:
    """One earlier run: its agents, and its files a page at a time."""
    return await past.read_run(services().store, run, after, limit)


@router.get("/cluster/history/<run>/agents/<n>/log", tags=["history"])
async def run_log(
    run: str, n: Agent, after: AfterIteration = -1, limit: Limit = 200, newest: Newest = False
) -> EntryPage:
    """One agent's entries in an earlier run, as /cluster/agents/{n}/log."""
    return await read_page(LogReader(services().store, await _place(run)), n, after, limit, newest=newest)


@router.get("/cluster/history/<run>/file", tags=["history"])
async def run_file(run: str, what: Annotated[FileQuery, Query()]) -> Response[Any]:
    """One file of an earlier run."""
    return await file_response(services(), file_key(keys.OUTPUT, what.key), what, await _place(run))


@router.get("/cluster/history/<run>/versions", tags=["history"])
async def run_versions(run: str, key: Key) -> Versions:
    """Which turn wrote one file of an earlier run, as /cluster/habitat/versions."""
    return (await versions.find(services().store, file_key(keys.OUTPUT, key), await _place(run)))[0]


@router.get("/cluster/history/<run>/output.zip", tags=["history"])
async def run_zip(run: str) -> Response[Any]:
    """All files of an earlier run in one archive."""
    where = await _place(run)
    root = keys.history(where, keys.OUTPUT) if where else keys.OUTPUT
    return archive_response(await zip_output(services(), root), f"output-{run}.zip")


async def _place(run: str) -> str:
    return await past.place_of(services().store, run)
