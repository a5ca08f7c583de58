"""What the scripted brain needs of the world: tools it can call by name. Reading and listing through them, page by page."""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple, Protocol

from agent.brains.mcp.errors import ToolRefused

PAGE_BYTES: Final = 256 * 1024
READ_BOUND_BYTES: Final = 2_000_000
"""How much of a document is read; a digest says so when there is more."""
WHOLE_BYTES: Final = 64 * 1024 * 1024
"""The bound for files of the flock itself, which must be seen to their end: more than one may grow to."""
TEXT_LIMIT: Final = 200
_LIST_PAGE: Final = 1000
_MOST_PAGES: Final = 1000
_READ_ATTEMPTS: Final = 3
_NOTE: Final = re.compile(
    r"\n?\[murmur\] bytes \d+-\d+ of (?P<size>\d+); (?:end of file|next offset (?P<next>\d+))(?P<changed>[^\n]*)\Z"
)


class Tools(Protocol):
    """The tools of one turn: fs_list, fs_read, fs_write, broadcast. The seam for processes, tests and the simulator."""

    async def call(self, tool: str, **arguments: str | int) -> str:
        """Call a tool and return its text. Raises ToolRefused with the tool's words."""
        ...


class FileInfo(NamedTuple):
    """One file of a listing; ``size`` in bytes."""

    path: str
    size: int


class TextRead(NamedTuple):
    """A text as far as it was read. ``stopped`` says in words why not to its end; empty when it was."""

    text: str
    stopped: str = ""


def clip(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text as it will stand in a log line, so that what one agent announces another can compare: one line, cut at ``limit``."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * limit]).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


async def list_files(tools: Tools, prefix: str) -> list[FileInfo]:
    """Every file under ``prefix``, ascending; folder markers are left out. Raises ToolRefused."""
    found: list[FileInfo] = []
    after = ""
    for _ in range(_MOST_PAGES):
        page = json.loads(await tools.call("fs_list", prefix=prefix, after=after, limit=_LIST_PAGE))
        found += [FileInfo(f["path"], int(f["size"])) for f in page["files"] if not f["path"].endswith("/")]
        if not page["more"] or page["after"] == after:
            break
        after = page["after"]
    return found


async def read_text(tools: Tools, path: str, size: int | None = None, *, bound: int = READ_BOUND_BYTES) -> TextRead:
    """Read a text page by page, at most ``bound`` bytes. ``size``: what the listing says, if known. Raises ToolRefused."""
    for _ in range(_READ_ATTEMPTS):
        read = await _read_once(tools, path, size, bound)
        if read is not None:
            return read
        size = None
    raise ToolRefused(f"{path} is being changed all the time; it could not be read in one piece.")


async def _read_once(tools: Tools, path: str, size: int | None, bound: int) -> TextRead | None:
    """As ``read_text``; None if the file was changed between two pages."""
    text = await tools.call("fs_read", path=path, offset=0, limit=PAGE_BYTES)
    if size is not None and size <= PAGE_BYTES:
        return TextRead(text)
    parts: list[str] = []
    offset = 0
    while note := _NOTE.search(text, max(0, len(text) - TEXT_LIMIT)):
        if note["changed"]:
            return None
        parts.append(text[: note.start()])
        following, whole = int(note["next"] or 0), int(note["size"])
        if following <= offset:
            return TextRead("".join(parts))
        offset = following
        stopped = f"the first {offset:,} of {whole:,} bytes"
        if offset >= bound:
            return TextRead("".join(parts), stopped)
        try:
            text = await tools.call("fs_read", path=path, offset=offset, limit=min(PAGE_BYTES, bound - offset))
        except ToolRefused as refusal:
            if not refusal.not_text:
                raise
            return TextRead("".join(parts), f"{stopped}; what follows is not text")
    return None if parts else TextRead(text)


async def exists(tools: Tools, path: str) -> bool:
    """Whether there is a file of exactly this name. Raises ToolRefused."""
    page = json.loads(await tools.call("fs_list", prefix=path, after="", limit=1))
    return any(f["path"] == path for f in page["files"])


async def create(tools: Tools, path: str, content: str) -> bool:
    """Write a file that must not be there yet; False if somebody was first. Raises ToolRefused for any other refusal."""
    try:
        await tools.call("fs_write", path=path, content=content, mode="create")
    except ToolRefused:
        if await exists(tools, path):
            return False
        raise
    return True
