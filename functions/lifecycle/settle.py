"""Gathering the facts of the settle rule, cheaply: what has not changed since the last check is not read again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from murmur import keys, quiet
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.cursor import Cursor, listing_version
from murmur.entry import LogEntry, last_written, parse_log
from murmur.errors import NotFound, ObjectMissing
from murmur.listing import everything, output_files
from murmur.ports import Fabric, ObjectInfo, Store
from murmur.quiet import AgentFacts
from murmur.recall import Recall
from murmur.roster import Roster
from murmur.runs import left_over
from murmur.state import AgentState

WITNESS: Final = f"{keys.STATE}settle.json"
"""What the last check saw, so that "twice in a row" holds across functions that forget."""
TAIL_BYTES: Final = 16 * 1024
_UNSEEN: Final = quiet.Verdict(False)


@dataclass(frozen=True)
class _Listing:
    """What there is, and in which version."""

    store: tuple[ObjectInfo, ...]
    states: tuple[ObjectInfo, ...]
    output: tuple[ObjectInfo, ...]

    @cached_property
    def versions(self) -> dict[str, str]:
        """The ETag of each log, directive and state document."""
        return {item.key: item.etag for item in (*self.store, *self.states)}

    def fingerprint(self, control: Control, config: FlockConfig) -> str:
        """Same fingerprint: nothing was written in between that the verdict depends on."""
        versions = sorted((item.key, item.etag) for item in self.store)
        return json.dumps([control.run, control.resumes, config.work(), listing_version(self.output), versions])


@dataclass(slots=True)
class Memory:
    """What checks of one process keep: what has not changed is not read again. None of it is needed to be right."""

    tails: Recall[tuple[LogEntry, ...]] = field(default_factory=Recall)
    states: Recall[AgentState | None] = field(default_factory=Recall)
    last: str | None = None
    """The mark of the check before; None if this process has made none."""


class SettleWatch:
    """Checks whether the flock has settled."""

    def __init__(self, store: Store, fabric: Fabric, memory: Memory | None = None) -> None:
        self._store = store
        self._fabric = fabric
        self._memory = memory or Memory()

    async def check(
        self, control: Control, roster: Roster, config: FlockConfig, lost: Mapping[int, str] | None = None
    ) -> quiet.Verdict:
        """The verdict: settled only if this check and the one before saw the same quiet flock. ``lost``: agents that are waited for no more, and why."""
        listing = await self._listing()
        verdict = await self._judge(control, roster, config, listing, lost or {})
        mark = listing.fingerprint(control, config) if verdict.settled else ""
        before = self._memory.last if self._memory.last is not None else await self._witness()
        if before != mark:
            await self._store.put(WITNESS, mark.encode(), content_type="application/json")
        self._memory.last = mark
        return _UNSEEN if verdict.settled and before != mark else verdict

    async def _witness(self) -> str:
        try:
            return (await self._store.get(WITNESS)).body.decode()
        except ObjectMissing:
            return ""

    async def _listing(self) -> _Listing:
        store, states, output = await asyncio.gather(
            everything(self._store, keys.STORE), everything(self._store, keys.STATE), output_files(self._store)
        )
        return _Listing(tuple(store), tuple(states), tuple(output))

    async def _judge(
        self, control: Control, roster: Roster, config: FlockConfig, listing: _Listing, lost: Mapping[int, str]
    ) -> quiet.Verdict:
        everyone = (self._facts(agent, control.run, listing) for agent in range(roster.size))
        flock: list[AgentFacts] = await asyncio.gather(*everyone)
        flock = [_without(facts, lost[facts.agent]) if facts.agent in lost else facts for facts in flock]
        near = _neighbours(flock, config)
        documents = await self._documents(control, roster, config, listing)
        verdict = quiet.judge(flock, near, documents)
        if verdict.settled:
            flock = await asyncio.gather(*(self._with_depth(control.run, facts) for facts in flock))
            verdict = quiet.judge(flock, near, documents)
        return verdict

    async def _facts(self, agent: int, run: str, listing: _Listing) -> AgentFacts:
        memory, listed = self._memory, listing.versions
        entries, state = await asyncio.gather(
            memory.tails.read(keys.log(agent), listed, lambda key: self._tail(key, run), ()),
            memory.states.read(keys.state(agent), listed, self._state, None),
        )
        state = state if state is not None and state.run == run else None
        cursor = Cursor.restored(entries[-1] if entries else None, state)
        news = [entry.iteration for entry in entries if entry.is_news]
        before = entries[0].iteration - 1 if entries else -1
        parked = state.detail if state is not None and state.activity == "parked" else ""
        return AgentFacts(
            agent,
            entries[-1] if entries else None,
            newest_news=max(news, default=before),
            wrote=last_written(entries),
            seen=cursor.seen,
            seen_documents=cursor.documents,
            in_turn=state is not None and state.activity == "turn",
            parked=parked,
        )

    async def _with_depth(self, run: str, facts: AgentFacts) -> AgentFacts:
        if facts.parked:
            return facts
        try:
            depth = await self._fabric.inbox(run, facts.agent).depth()
        except NotFound:
            return facts
        return replace(facts, waiting_messages=depth.visible + depth.in_flight)

    async def _documents(
        self, control: Control, roster: Roster, config: FlockConfig, listing: _Listing
    ) -> dict[int, dict[str, str]]:
        try:
            direction = (await self._store.head(keys.DIRECTION)).etag
        except ObjectMissing:
            direction = ""
        shared = {"direction": direction, "config": config.work(), "resumes": str(control.resumes)}
        if config.outputNews:
            shared["output"] = listing_version(listing.output)
        etags = listing.versions
        return {agent: {**shared, "directive": etags.get(keys.directive(agent), "")} for agent in range(roster.size)}

    async def _tail(self, key: str, run: str) -> tuple[LogEntry, ...]:
        got = await self._store.get(key, start=-TAIL_BYTES)
        if left_over(got, run):
            return ()
        entries = parse_log(got.body, partial=got.start > 0).entries
        return entries if entries or got.start == 0 else parse_log((await self._store.get(key)).body).entries

    async def _state(self, key: str) -> AgentState | None:
        return AgentState.from_json((await self._store.get(key)).body)


def _neighbours(flock: Sequence[AgentFacts], config: FlockConfig) -> dict[int, tuple[int, ...]]:
    """Whom each agent reads."""
    wrote = {facts.agent: facts.wrote for facts in flock if facts.last is not None}
    return {facts.agent: config.neighbours(facts.agent, len(flock), wrote) for facts in flock}


def _without(facts: AgentFacts, why: str) -> AgentFacts:
    """An agent that no host runs any more: it is as if parked, whatever it was doing."""
    return replace(facts, in_turn=False, parked=why)
