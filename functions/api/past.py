"""Earlier runs, as they lie in history/."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from functions.api.models import Run, RunAgent, RunDetail, RunList
from functions.api.operate import RUN_FORMAT
from murmur import keys
from murmur.control import Control, parse_control
from murmur.entry import one_line, timestamp
from murmur.errors import InvalidInput, NotFound, ObjectMissing
from murmur.files import list_files
from murmur.gather import gather
from murmur.listing import everything
from murmur.logs import LogReader
from murmur.ports import Store
from murmur.roster import Roster

_RUN: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_MOST_RUNS: Final = 5000
_AFTER_SLASH: Final = "0"
"""The character behind "/": a listing after ``history/<run>0`` begins at the next run."""


def check_run(run: str) -> str:
    """The name, if it can be one. Raises InvalidInput."""
    if not _RUN.fullmatch(run) or run in (".", ".."):
        raise InvalidInput(f"{run[:80]!a} is not the name of a run.", "GET /cluster/history lists them.")
    return run


async def list_runs(store: Store, limit: int) -> RunList:
    """The ``limit`` newest runs, newest first. One small listing a run, however many objects a run has."""
    names = await _names(store)
    chosen = list(reversed(names))[:limit]
    runs = await gather(lambda name: _summary(store, name), chosen, at_once=4)
    return RunList(runs=tuple(runs), more=len(names) > len(chosen))


async def read_run(store: Store, run: str, after: str, limit: int) -> RunDetail:
    """One run, the flock's own included. Raises NotFound."""
    where = await place_of(store, run)
    agents = await _agents(store, where)
    files = await list_files(store, keys.OUTPUT, after=after, limit=limit, run=where, authors={})
    if not agents and not files.files:
        await check_there(store, where)
    noted, roster = await _noted(store, where), await _roster(store, where)
    return RunDetail(
        run=run,
        current=not where,
        started=noted.started or _started(run),
        ended=noted.since if noted.state == "stopped" else "",
        reason=noted.reason,
        direction=roster.direction if roster else "",
        config=roster.config if roster else None,
        pauses=noted.pauses,
        agents=tuple(agents),
        files=files.files,
        more=files.more,
        after=files.after,
    )


async def place_of(store: Store, run: str) -> str:
    """Where the run lies: "" for the flock's own, whose logs are in their places, else its folder in history/. Raises InvalidInput."""
    check_run(run)
    roster = await _roster(store, "")
    return "" if roster is not None and roster.run == run else run


async def agents_of(store: Store, where: str) -> list[int]:
    """Who left a log, ascending."""
    root = keys.history(where) if where else ""
    listed = await everything(store, root + keys.STORE)
    found = (keys.agent_of_log(item.key[len(root) :]) for item in listed)
    return sorted(agent for agent in found if agent is not None)


async def check_there(store: Store, where: str) -> None:
    """Raises NotFound if the history has nothing of the run. The flock's own ("") is always there."""
    if where and not (await store.list(keys.history(where), limit=1)).objects:
        raise NotFound(f"There is no run {where!r} in the history.", "GET /cluster/history lists them.")


async def _names(store: Store) -> list[str]:
    names: list[str] = []
    after = ""
    while len(names) < _MOST_RUNS:
        page = await store.list(keys.HISTORY, after=after, limit=1)
        if not page.objects:
            break
        name, slash, _ = page.objects[0].key[len(keys.HISTORY) :].partition("/")
        if slash:
            names.append(name)
            after = f"{keys.HISTORY}{name}{_AFTER_SLASH}"
        else:
            after = page.objects[0].key
    return names


async def _summary(store: Store, run: str) -> Run:
    agents = await _agents(store, run)
    files = await everything(store, keys.history(run, keys.OUTPUT))
    noted, roster = await _noted(store, run), await _roster(store, run)
    return Run(
        run=run,
        started=noted.started or _started(run),
        entries=sum(agent.entries for agent in agents),
        files=len(files),
        agents=len(agents),
        ended=noted.since,
        reason=noted.reason,
        direction=one_line(roster.direction) if roster else "",
    )


async def _noted(store: Store, where: str) -> Control:
    """How the run stood when it was last heard of; empty where nobody noted it."""
    try:
        return parse_control((await store.get(keys.history(where, keys.CONTROL) if where else keys.CONTROL)).body)
    except (ObjectMissing, InvalidInput):
        return Control()


async def _roster(store: Store, where: str) -> Roster | None:
    """What the run was started with; None where that is not there, or damaged."""
    try:
        found = await store.get(keys.history(where, keys.ROSTER) if where else keys.ROSTER)
        return Roster.model_validate_json(found.body)
    except (ObjectMissing, ValidationError):
        return None


async def _agents(store: Store, where: str) -> list[RunAgent]:
    """The agents that left a log, and how many entries each has: iterations count from 0 without a gap."""
    agents = await agents_of(store, where)
    reader = LogReader(store, where)
    pages = await gather(lambda agent: reader.newest(agent, 1), agents)
    return [RunAgent(id=agent, entries=page.newest + 1) for agent, page in zip(agents, pages, strict=True)]


def _started(run: str) -> str:
    try:
        return timestamp(datetime.strptime(run, RUN_FORMAT).replace(tzinfo=UTC))
    except ValueError:
        return ""
