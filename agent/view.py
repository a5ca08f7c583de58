"""What an agent knows of the flock: its neighbours' newest entries, the operator's documents, and which versions these are.

Reads are conditional, so looking at what has not changed costs a request and no bytes; logs are read by their tails.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.reader import SharedReader
from murmur import keys, ring
from murmur.config import FlockConfig
from murmur.control import Control, parse_control
from murmur.cursor import Cursor
from murmur.entry import LogEntry, last_written, parse_log
from murmur.errors import MurmurError, ObjectMissing
from murmur.logs import LogReader
from murmur.ports import Store, StoredObject
from murmur.runs import left_over

TAIL_BYTES: Final = 16 * 1024
PAGE_ENTRIES: Final = 200
LIST_ABOVE: Final = 12
"""With more neighbours than this, one listing tells cheaper which logs changed than asking for each."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A key whose content was new to this agent, and when it had been written."""

    key: str
    modified: datetime


class View:
    """The flock as agent ``agent`` of a run of ``size`` sees it."""

    def __init__(self, store: Store, reader: SharedReader, agent: int, size: int, run: str) -> None:
        self._run = run
        self._store = store
        self._reader = reader
        self._logs = LogReader(store)
        self._agent = agent
        self._size = size
        self._etags: dict[str, str] = {}
        self._written: dict[int, float] = {}
        self.config = FlockConfig()
        self.control = Control()
        self.direction = ""
        self.directive = ""
        self._entries: dict[int, tuple[LogEntry, ...]] = {}
        self._top: dict[int, int] = {}
        """Highest iteration among the entries kept of each log."""
        self._barren: dict[int, tuple[int, int]] = {}
        """Of each log, what was read back in vain: after the first iteration, up to the second, there is no news."""

    @property
    def neighbours(self) -> tuple[int, ...]:
        """Whom this agent reads just now."""
        return self.config.neighbours(self._agent, self._size, self._written)

    @property
    def _readable(self) -> tuple[int, ...]:
        """Whom this agent may come to read."""
        return ring.neighbours(self.config.algorithm, self._agent, self._size, self.config.neighbourRadius)

    def documents(self) -> dict[str, str]:
        """Version of each of the operator's documents, as the cursor keeps them."""
        return {
            "direction": self._etags.get(keys.DIRECTION, ""),
            "directive": self._etags.get(keys.directive(self._agent), ""),
            "config": self.config.work(),
            "resumes": str(self.control.resumes),
        }

    def new_entries(self, cursor: Cursor) -> dict[int, tuple[LogEntry, ...]]:
        """Entries of the current neighbourhood that the cursor has not passed, by agent."""
        past = {other: cursor.past(other) for other in self.neighbours}
        return {
            other: tuple(e for e in self._entries[other] if e.iteration > seen)
            for other, seen in past.items()
            if self._top.get(other, -1) > seen
        }

    def newest(self) -> dict[int, int]:
        """Newest known iteration of each neighbour."""
        return {o: entries[-1].iteration for o in self.neighbours if (entries := self._entries.get(o, ()))}

    def known(self) -> dict[int, int]:
        """Newest iteration read of every log, whether its agent is a neighbour just now or not."""
        return {other: entries[-1].iteration for other, entries in self._entries.items() if entries}

    def reads(self, key: str) -> bool:
        """Whether ``key`` is something that this agent reads, or may come to read."""
        other = keys.agent_of_log(key)
        if other is not None:
            return other in self._readable
        return key in (keys.DIRECTION, keys.CONFIG, keys.CONTROL, keys.directive(self._agent))

    def _knows(self, key: str, etag: str) -> bool:
        """Whether this version of ``key`` has been read already."""
        return bool(etag) and self._etags.get(key) == etag

    async def look(self) -> list[Found]:
        """Look at everything this agent reads. Returns what was new."""
        documents = await self._read_all(dict.fromkeys((keys.CONTROL, keys.CONFIG), ""))
        logs = await self._logs_to_ask()
        rest = dict.fromkeys((keys.DIRECTION, keys.directive(self._agent), *logs), "")
        return documents + await self._read_all(rest)

    async def read(self, told: Mapping[str, str]) -> list[Found]:
        """Read the keys that events told of, with the version they named ("" if none). Returns what was new."""
        return await self._read_all({key: etag for key, etag in told.items() if not self._knows(key, etag)})

    async def _logs_to_ask(self) -> list[str]:
        everyone = self._readable
        if len(everyone) <= LIST_ABOVE:
            return [keys.log(other) for other in everyone]
        changed: list[str] = []
        after, more = "", True
        while more:
            page = await self._store.list(keys.STORE, after=after)
            for item in page.objects:
                other = keys.agent_of_log(item.key)
                if other in everyone and not self._knows(item.key, item.etag):
                    changed.append(item.key)
            after, more = (page.objects[-1].key if page.objects else ""), page.more
        return changed

    async def _read_all(self, wanted: Mapping[str, str]) -> list[Found]:
        found = await self._reader.together(self._read(key, told) for key, told in wanted.items())
        return [item for item in found if item is not None]

    async def _read(self, key: str, told: str) -> Found | None:
        agent = keys.agent_of_log(key)
        try:
            start = 0 if agent is None else -TAIL_BYTES
            got = await self._reader.read(key, self._etags.get(key, ""), start=start, told=told)
        except ObjectMissing:
            return self._gone(key)
        if got is None:
            return None
        if agent is not None:
            await self._take_log(agent, got)
        else:
            self._take_document(key, got)
        self._etags[key] = got.etag
        return Found(key, got.modified)

    def _gone(self, key: str) -> Found | None:
        """An object that is no more. Only a directive's going is news; a missing log is a log not begun."""
        if self._etags.pop(key, "") and key == keys.directive(self._agent):
            self.directive = ""
        return None

    def _take_document(self, key: str, got: StoredObject) -> None:
        try:
            if key == keys.CONFIG:
                self.config = FlockConfig.from_json(got.body)
            elif key == keys.CONTROL:
                self.control = parse_control(got.body)
            elif key == keys.DIRECTION:
                self.direction = got.body.decode("utf-8", "replace")
            elif key == keys.directive(self._agent):
                self.directive = got.body.decode("utf-8", "replace")
        except MurmurError as error:
            _log.warning("agent-%d keeps the last good %s: %s", self._agent, key, error)

    async def _take_log(self, agent: int, got: StoredObject) -> None:
        """Keep the tail's entries: they say what is going on. For one that fell further behind there is ``reach_back``."""
        if left_over(got, self._run):  # a process of an earlier run came too late: its agent will write over this
            self._entries[agent], self._top[agent] = (), -1
            self._written.pop(agent, None)
            return
        entries = parse_log(got.body, partial=got.start > 0).entries
        if got.start > 0 and not entries:
            entries = parse_log((await self._store.get(got.key)).body).entries
        self._entries[agent] = entries
        self._top[agent] = max((entry.iteration for entry in entries), default=-1)
        if entries:
            self._written[agent] = last_written(entries)

    async def reach_back(self, cursor: Cursor) -> None:
        """Look for news between the cursor and a tail that begins beyond it and holds none: lines too many for it, or rolled away.

        One such entry is enough, for it makes a turn due, and that passes the rest. Where neighbours change with every line, only the
        tail counts of a log that this agent had not read before. Raises Unavailable.
        """
        for other, new in self.new_entries(cursor).items():
            past, tail = cursor.past(other), self._entries[other]
            stranger = past < 0 and self.config.ranked
            if past < tail[0].iteration - 1 and not stranger and not any(entry.is_news for entry in new):
                older = await self._oldest_news(other, past, before=tail[0].iteration)
                self._entries[other] = (*older, *tail)

    async def _oldest_news(self, other: int, past: int, before: int) -> tuple[LogEntry, ...]:
        since, until = self._barren.get(other, (past, past))
        read = until if since <= past < until else past
        more = read < before - 1
        while more:
            page = await self._logs.after(other, read, PAGE_ENTRIES)
            for entry in page.entries:
                if entry.is_news and entry.iteration < before:
                    self._barren[other] = (past, entry.iteration - 1)
                    return (entry,)
            more = page.more and page.newest < before
            read = page.newest
        self._barren[other] = (past, before - 1)
        return ()

    def tails(self) -> Mapping[int, tuple[LogEntry, ...]]:
        """What is known of each neighbour's log, for the prompt."""
        return {other: self._entries.get(other, ()) for other in self.neighbours}
