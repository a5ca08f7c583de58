"""A file as a model reads it: text in pages cut between characters, and a plain word when it is no text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from murmur.errors import InvalidInput
from murmur.ports import StoredObject

NOTE: Final = "[murmur] "
_MAGIC: Final = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x7fELF", "an executable"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


class NotText(InvalidInput):
    """The file is no UTF-8 text. Remedy: work from its name and size, or ask the operator for a text version."""

    code = "not_text"

    def __init__(self, key: str, size: int, guess: str) -> None:
        super().__init__(
            f"{key!r} is not UTF-8 text: {size} bytes, by its looks {guess}.",
            "The tools read text only; work with other files, or say in your broadcast that a text version is needed.",
        )
        self.key = key
        self.size = size
        self.guess = guess


@dataclass(frozen=True, slots=True)
class Page:
    """Bytes ``start`` to ``end`` (exclusive) of a text of ``size`` bytes."""

    text: str
    start: int
    end: int
    size: int
    changed: bool = False
    """The file was changed since this turn began to read it: the pages do not belong together."""

    def render(self) -> str:
        """The text as it is; unless this is the whole file, a last line says where in the file it stands."""
        if self.start == 0 and self.end >= self.size:
            return self.text
        where = f"bytes {self.start}-{self.end} of {self.size}"
        rest = "end of file" if self.end >= self.size else f"next offset {self.end}"
        stale = "; THE FILE CHANGED since you began: read it again from offset 0" if self.changed else ""
        return f"{self.text}\n{NOTE}{where}; {rest}{stale}"


def page_of(part: StoredObject, *, changed: bool = False) -> Page:
    """Cut what was read to whole characters. Raises NotText."""
    body = part.body
    skipped = 0
    if part.start > 0:
        while skipped < min(3, len(body)) and body[skipped] & 0xC0 == 0x80:
            skipped += 1
    kept = len(body) if part.start + len(body) >= part.size else len(body) - _broken_tail(body)
    try:
        text = body[skipped:kept].decode()
    except UnicodeDecodeError:
        raise NotText(part.key, part.size, _guess(part)) from None
    if "\0" in text:
        raise NotText(part.key, part.size, _guess(part))
    start = min(part.start + skipped, part.size)
    return Page(text, start, max(start, part.start + kept), part.size, changed)


def _broken_tail(body: bytes) -> int:
    """How many bytes at the end begin a character that the cut took the rest of."""
    for back in range(1, min(4, len(body)) + 1):
        byte = body[-back]
        if byte & 0xC0 == 0x80:
            continue
        width = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return back if width > back else 0
    return 0


def _guess(part: StoredObject) -> str:
    if part.start == 0:
        for magic, name in _MAGIC:
            if part.body.startswith(magic):
                return name
    suffix = PurePosixPath(part.key).suffix[:12]
    if b"\0" in part.body:
        return f"binary data ({suffix or 'no suffix'})"
    return f"text in another encoding, such as Latin-1 ({suffix or 'no suffix'})"
