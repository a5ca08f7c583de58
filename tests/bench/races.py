"""Races on the embedded endpoint: writers that claim one log, appends to one file, and every agent at its own log."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from random import Random
from typing import Final

from agent.journal import Journal
from agent.tools.desk import Desk
from murmur import keys
from murmur.aws.store import S3Store
from murmur.clock import SystemClock
from murmur.entry import LogEntry, parse_log, timestamp
from murmur.errors import Fenced
from tests.bench.findings import Findings, Table
from tests.bench.site import RUN, Site, site
from tests.bench.stats import number

WRITERS: Final = 64
FENCE_ROUNDS: Final = 20
CLAIMANTS: Final = 8
HOSTS: Final = 8
"""Appends of one process to one file stand in line; a store of its own makes of agents what a host of its own would."""
LOG_APPENDS: Final = 20
_SHARED: Final = f"{keys.OUTPUT}shared.md"


def _entry(iteration: int, who: int) -> LogEntry:
    at = timestamp(SystemClock().now())
    return LogEntry(ts=at, iteration=iteration, action=f"by {who}", result="r", next_intent="n")


async def _fenced(where: Site, rounds: int) -> tuple[str, ...]:
    """Several processes open one log at the same moment and append: one may, all others are fenced."""
    won = fenced = 0
    began = time.monotonic()
    for turn in range(rounds):
        journals = [Journal(where.adapters.store, SystemClock(), 0, RUN) for _ in range(CLAIMANTS)]
        await asyncio.gather(*(journal.open() for journal in journals))
        entries = [_entry(turn, who) for who in range(CLAIMANTS)]
        ended = await asyncio.gather(
            *(journal.append(entry) for journal, entry in zip(journals, entries, strict=True)), return_exceptions=True
        )
        won += sum(result is None for result in ended)
        fenced += sum(isinstance(result, Fenced) for result in ended)
    seconds = time.monotonic() - began
    found = parse_log((await where.adapters.store.get(keys.log(0))).body).entries
    lost, doubled = _compare([entry.iteration for entry in found], range(rounds))
    row = (f"{CLAIMANTS} writers claim one log, {rounds} times", CLAIMANTS * rounds, won, fenced, lost, doubled)
    return _row(*row, seconds)


async def _shared(where: Site, each: int) -> tuple[str, ...]:
    """Every agent appends lines of its own to one file, through the tool that agents have, all at the same moment."""

    stores = [S3Store(where.adapters.clients, where.settings.bucket) for _ in range(HOSTS)]

    async def one(agent: int) -> None:
        desk = Desk(stores[agent % HOSTS], agent, frozenset(), 0, random=Random(agent))
        for count in range(each):
            await desk.fs_write(_SHARED, f"{agent}.{count}\n", "append")

    began = time.monotonic()
    await asyncio.gather(*(one(agent) for agent in range(WRITERS)))
    seconds = time.monotonic() - began
    lines = (await where.adapters.store.get(_SHARED)).body.decode().split()
    lost, doubled = _compare(lines, [f"{agent}.{count}" for agent in range(WRITERS) for count in range(each)])
    asked = WRITERS * each
    return _row(
        f"{WRITERS} agents of {HOSTS} hosts append to one file, {each} each", asked, asked, 0, lost, doubled, seconds
    )


async def _own(where: Site, each: int) -> tuple[str, ...]:
    """Every agent appends to its own log, as turns do, all at the same time."""

    async def one(agent: int) -> None:
        journal = Journal(where.adapters.store, SystemClock(), agent, RUN)
        await journal.open()
        for count in range(each):
            await journal.append(_entry(count, agent))

    agents = range(1, WRITERS + 1)  # agent 0's log was fought for
    began = time.monotonic()
    await asyncio.gather(*(one(agent) for agent in agents))
    seconds = time.monotonic() - began
    lost = doubled = 0
    for agent in agents:
        found = parse_log((await where.adapters.store.get(keys.log(agent))).body).entries
        missing, twice = _compare([entry.iteration for entry in found], range(each))
        lost, doubled = lost + missing, doubled + twice
    asked = WRITERS * each
    return _row(f"{WRITERS} agents append to a log each, {each} each", asked, asked, 0, lost, doubled, seconds)


def _compare(found: list[str] | list[int], wanted: list[str] | range) -> tuple[int, int]:
    """How many are missing, and how many stand there more than once (or were never asked for)."""
    there, asked = Counter(found), Counter(wanted)
    return (asked - there).total(), (there - asked).total()


def _row(name: str, asked: int, done: int, fenced: int, lost: int, doubled: int, seconds: float) -> tuple[str, ...]:
    return (name, str(asked), str(done), str(fenced), str(lost), str(doubled), number(done / seconds))


async def measure(small: bool) -> Findings:
    """All three on one endpoint."""
    async with site(WRITERS + 1) as where:
        rows = (
            await _fenced(where, 3 if small else FENCE_ROUNDS),
            await _shared(where, 1 if small else 4),
            await _own(where, 2 if small else LOG_APPENDS),
        )
    return Findings(
        "On the embedded endpoint, every writer in the benchmark's process. *Lost*: appended and not there; *doubled*: there more often than appended. "
        "A writer that finds the log changed is fenced and must stop (a second process that takes itself for the same agent); appends to a shared "
        f"file are read, written conditionally and tried again until they stand. Agents of one host stand in line for one file, so {WRITERS} race as "
        f"{HOSTS}.",
        (Table(("race", "asked", "appended", "fenced", "lost", "doubled", "appends/s"), rows),),
    )
