"""Routes of the logs."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api.members import check_log
from functions.api.models import Agent, EntryPage, Limit
from functions.api.resolver import group, services
from murmur.logs import LogPage, LogReader

router = group()

After = Annotated[int, Query(ge=-1, description="Entries newer than this iteration; -1: from the beginning.")]
Newest = Annotated[bool, Query(description="The newest entries instead of the first after ``after``.")]


@router.get("/cluster/agents/<n>/log", tags=["logs"])
async def agent_log(n: Agent, after: After = -1, limit: Limit = 200, newest: Newest = False) -> EntryPage:
    """One agent's entries, ascending, a page at a time: ask again with ``after`` = the last iteration while ``more``."""
    await check_log(services(), n)
    return entry_page(n, await read_page(LogReader(services().store), n, after, limit, newest=newest))


async def read_page(reader: LogReader, agent: int, after: int, limit: int, *, newest: bool) -> LogPage:
    """A page from the beginning, or from the end."""
    return await reader.newest(agent, limit) if newest else await reader.after(agent, after, limit)


def entry_page(agent: int, page: LogPage) -> EntryPage:
    """The page as it is answered."""
    return EntryPage(agent=agent, entries=page.entries, more=page.more, bad_lines=page.bad_lines)
