"""An agent's own log: one writer, fenced by ETag; long logs are rolled into segments so that an append stays small.

Every version of the log carries its run in the object's metadata. A process of an earlier run that comes too late, and finds no log
yet, can still create one: readers of the present run take it for nothing, and the agent's first own append replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from murmur import keys
from murmur.entry import LogEntry, parse_log
from murmur.errors import Fenced, ObjectChanged, ObjectMissing, Unavailable
from murmur.listing import everything
from murmur.ports import Clock, Store, StoredObject
from murmur.runs import left_over, mark, run_of

_ATTEMPTS: Final = 6
_NDJSON: Final = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Rolling:
    """When a log is rolled, and what stays: enough lines for every reader's tail, and for counting repeats."""

    bytes: int = 128 * 1024
    keep_lines: int = 32


ROLLING: Final = Rolling()


class Journal:
    """The log of one agent, held in memory between appends. Open it once; a second process is refused at its first append."""

    def __init__(self, store: Store, clock: Clock, agent: int, run: str, rolling: Rolling = ROLLING) -> None:
        self._store = store
        self._clock = clock
        self._agent = agent
        self._run = run
        self._rolling = rolling
        self._body = b""
        self._etag = ""
        self._segments = 0
        self._top = -1
        self.last: LogEntry | None = None
        self.previous: LogEntry | None = None
        self.repeats = 0
        """How often in a row the agent has said the newest words that it said while working; 0 after an idle line."""
        self._words: tuple[str, ...] = ()
        """Those of the newest line that did not fail."""

    @property
    def next_iteration(self) -> int:
        """Number of the entry that comes next."""
        return self._top + 1

    @property
    def own_idle(self) -> bool:
        """Whether the newest entry is idle."""
        return self.last is not None and self.last.is_idle

    async def open(self) -> None:
        """Read the log as it is, lines that are no entries included: they are kept, byte for byte. Raises Fenced."""
        try:
            self._take(await self._store.get(keys.log(self._agent)))
        except ObjectMissing:
            self._take(None)
        listed = await everything(self._store, keys.segments(self._agent))
        self._segments = max((keys.segment_number(item.key) or 0 for item in listed), default=0)

    async def refresh(self) -> bool:
        """Read the log again if it is not as this process left it: one that was replaced may have appended its last line late."""
        try:
            found = await self._store.get_if_changed(keys.log(self._agent), self._etag)
        except ObjectMissing:
            return False
        if found is None:
            return False
        self._take(found)
        return True

    def _take(self, found: StoredObject | None) -> None:
        """Hold what was found. A left-over of an earlier run is held as an empty log, to be replaced. Raises Fenced by a later one."""
        self._body, self._etag = (found.body, found.etag) if found else (b"", "")
        if found is not None and left_over(found, self._run):
            if run_of(found) > self._run:
                raise Fenced(self._agent)
            self._body = b""
        for entry in parse_log(self._body).entries:
            if entry.iteration > self._top:
                self._note(entry)

    async def append(self, entry: LogEntry) -> None:
        """Add one line. Raises Fenced if somebody else wrote the log, Unavailable if the store stays away."""
        if len(self._body) > self._rolling.bytes:
            await self._roll()
        joint = b"" if not self._body or self._body.endswith(b"\n") else b"\n"
        await self._put(self._body + joint + entry.to_line())
        self._note(entry)

    def forgive_repeats(self) -> None:
        """Begin to count anew: the operator changed something."""
        self.repeats = 0

    def _note(self, entry: LogEntry) -> None:
        if not entry.failed:
            words = (entry.action, entry.result, entry.next_intent)
            self.repeats = 0 if entry.is_idle else self.repeats + 1 if words == self._words else 1
            self._words = words
        self.previous, self.last = self.last, entry
        self._top = max(self._top, entry.iteration)

    async def _roll(self) -> None:
        """Move all but the newest lines to a segment. A crash in between leaves them in both, and readers count them once."""
        lines = self._body.splitlines(keepends=True)
        old, kept = b"".join(lines[: -self._rolling.keep_lines]), b"".join(lines[-self._rolling.keep_lines :])
        if not old:
            return
        await self._check_own()
        await self._put_segment(old)
        await self._put(kept)

    async def _check_own(self) -> None:
        """A segment is no conditional write of the log, so look first that the log is still ours. Raises Fenced."""
        try:
            found = await self._store.head(keys.log(self._agent))
        except ObjectMissing:
            raise Fenced(self._agent) from None
        if found.etag != self._etag:
            raise Fenced(self._agent)

    async def _put_segment(self, old: bytes) -> None:
        """Write the next segment; never over one that is there, unless that says the same."""
        while True:
            self._segments += 1
            key = keys.segment(self._agent, self._segments)
            try:
                await self._store.create(key, old, content_type=_NDJSON, metadata=mark(self._run))
            except ObjectChanged:
                if (await self._store.get(key)).body != old:
                    continue
            return

    async def _put(self, body: bytes) -> None:
        """Put the whole log, conditionally. After an unclear answer, or a conflict with nobody, look what stands there."""
        unclear = False
        for attempt in range(_ATTEMPTS):
            try:
                self._etag = await self._write(body)
            except ObjectChanged:
                if await self._arrived(body, unclear=unclear):
                    break
            except Unavailable:
                unclear = True
                if attempt == _ATTEMPTS - 1:
                    raise
                await self._clock.sleep(0.2 * 2**attempt)
            else:
                break
        else:
            raise Unavailable(f"{keys.log(self._agent)!r} is busy.", "The agent begins again from what its log says.")
        self._body = body

    async def _write(self, body: bytes) -> str:
        key = keys.log(self._agent)
        if self._etag:
            return await self._store.replace(key, body, self._etag, content_type=_NDJSON, metadata=mark(self._run))
        return await self._store.create(key, body, content_type=_NDJSON, metadata=mark(self._run))

    async def _arrived(self, body: bytes, *, unclear: bool) -> bool:
        """Whether ``body`` stands there, which it can only if an answer was ``unclear``; False if it may be put again.

        That is so if the log is as it was before, or a left-over of an earlier run. Raises Fenced if it is neither, Unavailable.
        """
        try:
            found = await self._store.get(keys.log(self._agent))
        except ObjectMissing:
            if self._etag:
                raise Fenced(self._agent) from None
            return False
        if unclear and found.body == body:
            self._etag = found.etag
            return True
        if not self._body and "" < run_of(found) < self._run:
            self._etag = found.etag
            return False
        if found.etag != self._etag:
            raise Fenced(self._agent)
        return False
