"""An agent's own log: one writer, fenced by ETag; long logs are rolled into segments so that an append stays small."""

from __future__ import annotations

from typing import Final

from murmur import keys
from murmur.entry import LogEntry, parse_log
from murmur.errors import Fenced, ObjectChanged, ObjectMissing, Unavailable
from murmur.ports import Clock, Store, StoredObject

ROLL_BYTES: Final = 128 * 1024
KEEP_LINES: Final = 32
"""Lines that stay in the log when it is rolled: enough for every reader's tail."""
_ATTEMPTS: Final = 6
_NDJSON: Final = "application/x-ndjson"


class Journal:
    """The log of one agent, held in memory between appends. Open it once; a second process is refused at its first append."""

    def __init__(self, store: Store, clock: Clock, agent: int) -> None:
        self._store = store
        self._clock = clock
        self._agent = agent
        self._body = b""
        self._etag = ""
        self._segments = 0
        self._top = -1
        self.last: LogEntry | None = None
        self.previous: LogEntry | None = None
        self.bad_lines = 0

    @property
    def next_iteration(self) -> int:
        """Number of the entry that comes next."""
        return self._top + 1

    @property
    def own_idle(self) -> bool:
        """Whether the newest entry is idle."""
        return self.last is not None and self.last.state == "idle" and not self.last.failed

    async def open(self) -> None:
        """Read the log as it is, lines that are no entries included: they are kept, byte for byte."""
        try:
            self._take(await self._store.get(keys.log(self._agent)))
        except ObjectMissing:
            self._take(None)
        listing = await self._store.list(keys.segments(self._agent))
        self._segments = max((keys.segment_number(item.key) or 0 for item in listing.objects), default=0)

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
        self._body, self._etag = (found.body, found.etag) if found else (b"", "")
        parsed = parse_log(self._body)
        self.bad_lines = parsed.bad_lines
        for entry in parsed.entries:
            self._note(entry)

    async def append(self, entry: LogEntry) -> None:
        """Add one line. Raises Fenced if somebody else wrote the log, Unavailable if the store stays away."""
        if len(self._body) > ROLL_BYTES:
            await self._roll()
        joint = b"" if not self._body or self._body.endswith(b"\n") else b"\n"
        await self._put(self._body + joint + entry.to_line())
        self._note(entry)

    def _note(self, entry: LogEntry) -> None:
        self.previous, self.last = self.last, entry
        self._top = max(self._top, entry.iteration)

    async def _roll(self) -> None:
        """Move all but the newest lines to a segment. A crash in between leaves them in both, and readers count them once."""
        lines = self._body.splitlines(keepends=True)
        old, kept = b"".join(lines[:-KEEP_LINES]), b"".join(lines[-KEEP_LINES:])
        number = self._segments + 1
        await self._store.put(keys.segment(self._agent, number), old, content_type=_NDJSON)
        self._segments = number
        await self._put(kept)

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
            return await self._store.replace(key, body, self._etag, content_type=_NDJSON)
        return await self._store.create(key, body, content_type=_NDJSON)

    async def _arrived(self, body: bytes, *, unclear: bool) -> bool:
        """Whether ``body`` stands there, which it can only if an answer was ``unclear``; False if the log is as it was before. Raises Fenced if it is neither, Unavailable."""
        try:
            found = await self._store.get(keys.log(self._agent))
        except ObjectMissing:
            if self._etag:
                raise Fenced(self._agent) from None
            return False
        if unclear and found.body == body:
            self._etag = found.etag
            return True
        if found.etag != self._etag:
            raise Fenced(self._agent)
        return False
