"""Routes of the logs."""

from __future__ import annotations

from functions.api.members import check_log
from functions.api.models import AfterIteration, Agent, EntryPage, Limit, Newest
from functions.api.resolver import group, services
from murmur.logs import LogReader

router = group()


@router.get("/cluster/agents/<n>/log", tags=["logs"])
async def agent_log(n: Agent, after: AfterIteration = -1, limit: Limit = 200, newest: Newest = False) -> EntryPage:
    """One agent's entries, ascending, a page at a time: ask again with ``after`` = the last iteration while ``more``."""
    await check_log(services(), n)
    return await read_page(LogReader(services().store), n, after, limit, newest=newest)


async def read_page(reader: LogReader, agent: int, after: int, limit: int, *, newest: bool) -> EntryPage:
    """A page from the beginning, or from the end."""
    page = await (reader.newest(agent, limit) if newest else reader.after(agent, after, limit))
    return EntryPage(agent=agent, entries=page.entries, more=page.more, bad_lines=page.bad_lines)
