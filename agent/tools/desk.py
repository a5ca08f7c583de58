"""The desk of one turn: what the agent may read, write, list and say, and a record of what it did.

The desk stands between a model and the bucket. It judges paths, bounds everything, makes every write conditional, and
remembers what the loop needs afterwards: what was said, which files were written, what was refused. It raises errors of
``murmur.errors`` only; the MCP server turns them into words for the model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, cast

from agent.tools.listing import listing
from agent.tools.page import page_of
from agent.tools.paths import Rights
from agent.tools.writing import FileChanged, Writer, Written
from murmur import keys
from murmur.entry import LogEntry, State, one_line
from murmur.errors import Conflict, InvalidEntry, InvalidInput, PathRefused, Refused
from murmur.ports import Store

READ_LIMIT_BYTES: Final = 256 * 1024
WRITE_LIMIT_BYTES: Final = 4 * 1024 * 1024
FILES_PER_TURN: Final = 256
BYTES_PER_TURN: Final = 64 * 1024 * 1024
_SMALLEST_PAGE_BYTES: Final = 16
_REFUSALS_KEPT: Final = 20

Mode = Literal["write", "create", "append"]


@dataclass(frozen=True, slots=True)
class Said:
    """What the agent broadcast: the words of its next log line, each one line of at most 200 characters."""

    action: str
    result: str
    next_intent: str
    state: State = "working"


class Desk:
    """The tools of one turn. They raise MurmurError, with words a model can act on."""

    def __init__(
        self,
        store: Store,
        agent: int,
        readable: frozenset[int],
        iteration: int,
        knowledge_writable: bool = False,
        *,
        random: Random | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``readable``: the neighbours whose logs may be read. ``random`` and ``pause`` space out retries of appends."""
        self.agent = agent
        self.iteration = iteration
        self.said: Said | None = None
        self.files: list[str] = []
        """Keys written in this turn, in order, once each."""
        self.etags: dict[str, str] = {}
        """Key → ETag after this turn's own last write of it."""
        self.seen: dict[str, str] = {}
        """Key → ETag of everything this turn was shown in listings: it has looked there itself."""
        self.refusals: list[str] = []
        """What was refused, in words; the first twenty."""
        self.listed = asyncio.Event()
        """Set when the agent listed the tools under this turn's token."""
        self.contacted = asyncio.Event()
        """Set when anything at all arrived under this turn's token."""
        self.last_call = 0.0
        """When the last call under this turn's token arrived, on the loop's clock."""
        self._store = store
        self._rights = Rights(agent, readable, knowledge_writable)
        self._writer = Writer(store, agent, iteration, random=random, pause=pause, still_on=self._check_open)
        self._writing = asyncio.Lock()
        self._known: dict[str, str] = {}
        """Key → ETag of the version this turn has read, or written."""
        self._bytes_left = BYTES_PER_TURN
        self._closed = False
        self._calls = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    def heard(self) -> None:
        """The agent called, whatever it wants."""
        self.contacted.set()
        self.last_call = asyncio.get_running_loop().time()

    def refuse(self, words: str) -> None:
        """Remember that something was refused."""
        if len(self.refusals) < _REFUSALS_KEPT:
            self.refusals.append(one_line(words))

    def close(self) -> None:
        """End the turn: every further call is refused, and a write that has not reached the store does not begin."""
        self._closed = True

    async def at_rest(self) -> None:
        """Wait until no call is going on. Soon true after ``close``; what is recorded then is final."""
        await self._at_rest.wait()

    async def fs_read(self, path: str, offset: int = 0, limit: int = 65_536) -> str:
        """Read text: ``limit`` bytes from byte ``offset``, cut between characters. A negative offset counts from the end."""
        return await self._call(self._read(path, offset, limit))

    async def fs_write(self, path: str, content: str, mode: Mode | str = "write") -> str:
        """Write text: overwrite what this turn has read, ``create`` only if absent, or ``append`` on a new line."""
        return await self._call(self._write(path, content, mode))

    async def fs_list(self, prefix: str = "", after: str = "", limit: int = 200) -> str:
        """List what may be read, ascending, as JSON ``{"files": [{path, size, modified}], "more", "after"}``."""
        return await self._call(self._list(prefix, after, limit))

    async def broadcast(self, action: str, result: str, next_intent: str, state: State | str = "working") -> str:
        """Say what this turn did. Once a turn; the runtime writes the log line when the turn has ended."""
        return await self._call(self._broadcast(action, result, next_intent, state))

    async def _call(self, work: Awaitable[str]) -> str:
        self._calls += 1
        self._at_rest.clear()
        try:
            return await work
        except (Refused, Conflict) as error:
            self.refuse(error.message)
            raise
        finally:
            self._calls -= 1
            if not self._calls:
                self._at_rest.set()

    def _check_open(self) -> None:
        if self._closed:
            raise Refused("This turn has ended.", "Nothing more can be read or written in it; stop here.")

    async def _read(self, path: str, offset: int, limit: int) -> str:
        self._check_open()
        key = self._rights.key_to_read(path)
        length = max(_SMALLEST_PAGE_BYTES, min(limit, READ_LIMIT_BYTES))
        part = await self._store.get(key, start=offset, length=length)
        changed = part.start > 0 and self._known.get(key, part.etag) != part.etag
        page = page_of(part, changed=changed)
        if not changed:
            self._known[key] = part.etag
        return page.render()

    async def _list(self, prefix: str, after: str, limit: int) -> str:
        self._check_open()
        page = await listing(self._store, self._rights, prefix, after, limit)
        self.seen.update((item.key, item.etag) for item in page.shown)
        return page.text

    async def _write(self, path: str, content: str, mode: str) -> str:
        self._check_open()
        key = self._rights.key_to_write(path)
        if mode not in ("write", "create", "append"):
            raise InvalidInput(f"There is no mode {mode[:20]!r}.", 'Use "write", "create" or "append".')
        body = _encoded(content)
        if key == keys.log(self.agent):
            return self._log_line(path, body, mode)
        async with self._writing:
            self._check_open()
            self._check_budget(key, len(body))
            done = await self._put(key, body, cast("Mode", mode))
            self._bytes_left -= len(body)
            self.etags[key] = done.etag
            if key not in self.files:
                self.files.append(key)
        return f"{'Appended' if mode == 'append' else 'Wrote'} {len(body)} bytes; {key} now has {done.size} bytes."

    async def _put(self, key: str, body: bytes, mode: Mode) -> Written:
        known = self._known.get(key)
        if mode == "append":
            done = await self._writer.append(key, body)
            if done.replaced == (known or ""):
                self._known[key] = done.etag
            return done
        try:
            if mode == "create":
                done = await self._writer.create(key, body, "Leave it as it is, or choose another name.")
            elif known is None:
                done = await self._writer.create(key, body, "This turn has not read it: read it, then write.")
            else:
                done = await self._writer.replace(key, body, known)
        except FileChanged:
            self._known.pop(key, None)
            raise
        self._known[key] = done.etag
        return done

    def _check_budget(self, key: str, size: int) -> None:
        if key not in self.files and len(self.files) >= FILES_PER_TURN:
            raise Refused(f"A turn may write at most {FILES_PER_TURN} files.", "Broadcast, and go on in the next turn.")
        if size > self._bytes_left:
            raise Refused(f"A turn may write at most {BYTES_PER_TURN} bytes.", "Broadcast, and go on in the next turn.")

    def _log_line(self, path: str, body: bytes, mode: str) -> str:
        if mode != "append":
            raise PathRefused(path, "your log is only ever added to: call broadcast, once, instead")
        line = body.strip()
        if b"\n" in line or not line:
            raise InvalidEntry("A turn adds exactly one line to its log.", "Call broadcast, once, instead.")
        entry = LogEntry.from_line(line)
        return self._say(Said(entry.action, entry.result, entry.next_intent, entry.state))

    async def _broadcast(self, action: str, result: str, next_intent: str, state: str) -> str:
        self._check_open()
        if state not in ("working", "idle"):
            raise InvalidInput(f"There is no state {state[:20]!r}.", 'Use "working", or "idle" when nothing is left.')
        said = Said(one_line(action), one_line(result), one_line(next_intent), cast("State", state))
        return self._say(said)

    def _say(self, said: Said) -> str:
        if not said.action:
            raise InvalidInput("action is empty.", "Say in a few words what you did in this turn.")
        if self.said is not None:
            raise Refused("This turn has already broadcast; the first one counts.", "End your turn now.")
        self.said = said
        return "Broadcast taken. Your neighbours see it when your turn has ended: end it now."


def _encoded(content: str) -> bytes:
    try:
        body = content.encode()
    except UnicodeEncodeError:
        raise InvalidInput("The content holds half a character (a lone surrogate).", "Write valid Unicode.") from None
    if len(body) > WRITE_LIMIT_BYTES:
        raise InvalidInput(
            f"{len(body)} bytes are more than one call may write ({WRITE_LIMIT_BYTES}).",
            'Write it in parts: the first with mode "write", the rest with mode "append".',
        )
    return body
