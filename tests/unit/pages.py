"""What a program that pages through a file does: undoes ``Page.render``. The scripted brain has its own reader, held to this one."""

from __future__ import annotations

import re
from typing import Final

_NOTE_LINE: Final = re.compile(r"\n?\[murmur\] bytes (\d+)-(\d+) of (\d+); (?:end of file|next offset (\d+))[^\n]*\Z")


def parse_page(rendered: str) -> tuple[str, int | None]:
    """The text of a page, and the next offset (None at the end of the file)."""
    note = _NOTE_LINE.search(rendered, max(0, len(rendered) - 200))
    if note is None:
        return rendered, None
    return rendered[: note.start()], int(note[4]) if note[4] else None
