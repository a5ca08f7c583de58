"""Making other people's text safe to print.

Agents write what a model says, and a model may say anything: escape sequences that repaint the terminal, set its title,
fill the clipboard or hide text by reversing its direction. Nothing of that reaches the screen.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_SEQUENCE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor, modes
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC with their text
    r"|\x1b[ -/]*[0-~]?"  # everything else an ESC may begin
)


def clean(value: object, limit: int = 0) -> str:
    """The text on one line without control or escape sequences; ``limit`` > 0 cuts it there, with an ellipsis."""
    flat = " ".join(_printable(str(value)).split())
    return flat if not limit or len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def clean_block(value: str) -> str:
    """As ``clean``, but line breaks and tabs stay."""
    lines = value.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(_printable(cell) for cell in _SEQUENCE.sub("", line).split("\t")) for line in lines)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in _SEQUENCE.sub("", text))


def size(count: int) -> str:
    """A number of bytes for people."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def duration(seconds: float) -> str:
    """A length of time for people: ``3.4 s``, ``2 min 05 s``, ``1 h 10 min``, ``3 d 4 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def moment(ts: str) -> datetime | None:
    """The time an ISO-8601 text names, UTC where it names no zone; None if it names none."""
    try:
        parsed = datetime.fromisoformat(ts)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def clock_time(ts: str) -> str:
    """The time of day, here, of an ISO-8601 text; the text itself where it is none."""
    found = moment(ts)
    return found.astimezone().strftime("%H:%M:%S") if found else clean(ts, 20)


def plural(count: int, noun: str) -> str:
    """``1 file``, ``2 files``, ``2 entries``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"
