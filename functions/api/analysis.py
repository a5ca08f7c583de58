"""Routes that tell what a run was like."""

from __future__ import annotations

from typing import Final

from functions.api import past
from functions.api.resolver import group, services
from murmur import analysis
from murmur.analysis import Analysis
from murmur.control import read_control
from murmur.entry import LogEntry
from murmur.gather import gather
from murmur.logs import LogReader
from murmur.ports import Store

MOST_ENTRIES: Final = 60_000
"""Of all logs together: what fits a function's memory and time."""
MOST_OF_ONE: Final = 5000
"""Of one log: every iteration is a line of the answer."""
_PAGE: Final = 1000

router = group()


@router.get("/cluster/analysis", tags=["analysis"])
async def current_analysis() -> Analysis:
    """The flock's own run so far, or how it ended: convergence, influence, duplicate work, idle share, time and tokens."""
    run = (await read_control(services().store)).control.run
    return await _analysed(services().store, run, "")


@router.get("/cluster/history/<run>/analysis", tags=["analysis"])
async def run_analysis(run: str) -> Analysis:
    """An earlier run, or the flock's own by its name, as /cluster/analysis."""
    store = services().store
    return await _analysed(store, run, await past.place_of(store, run))


async def _analysed(store: Store, run: str, where: str) -> Analysis:
    agents = await past.agents_of(store, where)
    if not agents:
        await past.check_there(store, where)
    reader, most = LogReader(store, where), min(MOST_OF_ONE, max(1, MOST_ENTRIES // max(1, len(agents))))
    logs = await gather(lambda agent: _log(reader, agent, most), agents, at_once=16)
    return analysis.analyse(
        run,
        {agent: entries for agent, (entries, _) in zip(agents, logs, strict=True)},
        current=not where,
        truncated=any(more for _, more in logs),
    )


async def _log(reader: LogReader, agent: int, most: int) -> tuple[list[LogEntry], bool]:
    """The log's first ``most`` entries, and whether there are more."""
    entries: list[LogEntry] = []
    while len(entries) < most:
        page = await reader.after(agent, entries[-1].iteration if entries else -1, min(_PAGE, most - len(entries)))
        entries += page.entries
        if not page.more or not page.entries:
            return entries, False
    return entries, True
