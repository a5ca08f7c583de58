"""Reading an agent's log: its end at a flat cost, or page by page across the parts it was rolled into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from murmur import keys
from murmur.entry import LogEntry, parse_log
from murmur.errors import ObjectMissing
from murmur.ports import Store

TAIL_BYTES: Final = 16 * 1024
PAGE_TAIL_BYTES: Final = 64 * 1024
PAGE_BYTES: Final = 3 * 1024 * 1024
"""A page holds no more than this, so that it fits a Lambda response."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some entries, ascending; whether newer ones follow; how many lines among those looked at were no entries."""

    entries: tuple[LogEntry, ...]
    more: bool = False
    bad_lines: int = 0

    @property
    def newest(self) -> int:
        """Iteration of the last entry; -1 if there is none."""
        return self.entries[-1].iteration if self.entries else -1


@dataclass(frozen=True, slots=True)
class _Part:
    entries: tuple[LogEntry, ...]
    bad_lines: int
    whole: bool
    """Whether this is all of the object, not just its end."""

    def begins_by(self, iteration: int) -> bool:
        return bool(self.entries) and self.entries[0].iteration <= iteration


_NOTHING: Final = _Part((), 0, whole=True)


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads logs of the present run or, with ``run``, of an earlier one kept in history/. A log not there is empty."""

    store: Store
    run: str = ""

    async def newest(self, agent: int, count: int) -> LogPage:
        """The last ``count`` entries. Reads the end of the log only, whatever its length."""
        log = await self._end(keys.log(agent), TAIL_BYTES, count)
        if log is _NOTHING or len(log.entries) >= count or not log.whole or log.begins_by(0):
            return _page(log.entries[-count:], more=False, bad=log.bad_lines)
        parts = await self._segments(agent)
        if not parts:
            return _page(log.entries, more=False, bad=log.bad_lines)
        older = await self._end(parts[-1], TAIL_BYTES, count)
        return _page(_rising((*older.entries, *log.entries))[-count:], more=False, bad=older.bad_lines + log.bad_lines)

    async def after(self, agent: int, iteration: int, limit: int) -> LogPage:
        """The first ``limit`` entries newer than ``iteration`` (-1: from the beginning)."""
        log = await self._end(keys.log(agent), PAGE_TAIL_BYTES, 1)
        if not log.whole and not log.begins_by(iteration + 1):
            log = await self._all(keys.log(agent))
        parts = [] if log.begins_by(max(0, iteration + 1)) else await self._segments(agent)
        entries: list[LogEntry] = []
        bad = 0
        for key in parts[await self._first_of_interest(parts, iteration) :]:
            part = await self._all(key)
            bad += part.bad_lines
            entries.extend(part.entries)
            if sum(entry.iteration > iteration for entry in entries) > limit:
                break
        else:
            entries.extend(log.entries)
            bad += log.bad_lines
        found = tuple(entry for entry in _rising(entries) if entry.iteration > iteration)
        page = _within_bytes(found[:limit])
        return _page(page, more=len(page) < len(found), bad=bad)

    async def _end(self, key: str, size: int, count: int) -> _Part:
        """The end of an object, widened until it holds ``count`` entries or all of it."""
        while True:
            try:
                found = await self.store.get(self._key(key), start=-size)
            except ObjectMissing:
                return _NOTHING
            parsed = parse_log(found.body, partial=found.start > 0)
            entries = _rising(parsed.entries)
            if found.start == 0 or len(entries) >= count:
                return _Part(entries, parsed.bad_lines, whole=found.start == 0)
            size *= 4

    async def _all(self, key: str) -> _Part:
        try:
            found = await self.store.get(self._key(key))
        except ObjectMissing:
            return _NOTHING
        parsed = parse_log(found.body)
        return _Part(_rising(parsed.entries), parsed.bad_lines, whole=True)

    async def _segments(self, agent: int) -> list[str]:
        """The log's older parts, oldest first."""
        found: list[str] = []
        after = ""
        while True:
            page = await self.store.list(self._key(keys.segments(agent)), after=after)
            found.extend(item.key for item in page.objects)
            if not page.more:
                break
            after = found[-1]
        offset = len(self._key(""))
        return [key[offset:] for key in found if keys.segment_number(key[offset:]) is not None]

    async def _first_of_interest(self, parts: list[str], iteration: int) -> int:
        """Index of the part in which the entry behind ``iteration`` stands: found by halving, one small read a step."""
        low, high = 0, len(parts)
        if iteration < 0:
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            if await self._begins(parts[middle]) <= iteration + 1:
                low = middle
            else:
                high = middle
        return low

    async def _begins(self, key: str) -> int:
        """The first iteration of a part; -1 if its beginning holds no entry."""
        head = (await self.store.get(self._key(key), length=TAIL_BYTES)).body
        whole_lines = head[: head.rfind(b"\n") + 1] or head
        entries = parse_log(whole_lines).entries
        return entries[0].iteration if entries else -1

    def _key(self, key: str) -> str:
        return keys.history(self.run, key) if self.run else key


def _page(entries: tuple[LogEntry, ...], *, more: bool, bad: int) -> LogPage:
    return LogPage(entries, more, bad)


def _rising(entries: Iterable[LogEntry]) -> tuple[LogEntry, ...]:
    """Each iteration once: a line copied into two parts counts once, and a log never goes back."""
    newest = -1
    kept: list[LogEntry] = []
    for entry in entries:
        if entry.iteration > newest:
            kept.append(entry)
            newest = entry.iteration
    return tuple(kept)


def _within_bytes(entries: tuple[LogEntry, ...]) -> tuple[LogEntry, ...]:
    size = 0
    for index, entry in enumerate(entries):
        size += len(entry.to_line())
        if size > PAGE_BYTES and index:
            return entries[:index]
    return entries
