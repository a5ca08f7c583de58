"""The outline of a text: Markdown, underlined and numbered headings, headings in capitals, and definitions in source code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from agent.brains.scripted.tools import clip

HEADING_LIMIT: Final = 100
MOST_HEADINGS: Final = 5_000
"""Where the search ends: a file of nothing but headings must not fill the memory."""
_ATX: Final = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*?)(?:[ \t]+#+)?[ \t]*")
_UNDERLINE: Final = re.compile(r" {0,3}([=\-~^\"'*+])\1{2,}[ \t]*")
_UNDERLINE_LEVEL: Final = {"=": 1, "*": 1, "-": 2, "~": 3, "+": 3}
_NUMBERED: Final = re.compile(
    r"\s*((?:\d{1,3}\.)*\d{1,3}[.)]?|[IVXLC]{1,7}\.|(?i:chapter|section|article|part|appendix)\s+\w{1,7}[.:]?)\s+(?=[^\W\d_]|[\"“(])(\S.*)"
)
_CODE_SUFFIX: Final = re.compile(
    r"\.(?:py|pyi|sh|bash|js|mjs|ts|tsx|jsx|c|h|cc|cpp|hpp|go|rs|java|kt|swift|rb|pl|php|cs|scala|lua|sql|css|ya?ml|toml|ini|cfg|json)\Z",
    re.IGNORECASE,
)
_DEFINITION: Final = re.compile(
    r"\s{0,8}(?:(?:export|default|pub|public|private|protected|static|abstract|final|async)\s+)*"
    r"(?:def|class|func|function|fn|struct|interface|enum|trait|impl|module|namespace)\s+[A-Za-z_][^\n]*"
)
_FENCE: Final = re.compile(r"\s*(```|~~~)")


class Heading(NamedTuple):
    """One heading; ``level`` counts from 1, ``lines`` are the places of its lines in the text."""

    level: int
    text: str
    lines: tuple[int, ...]


def is_code(path: str, lines: Sequence[str]) -> bool:
    """Whether a document is source code or data, as far as its name or its first line tells."""
    return _CODE_SUFFIX.search(path) is not None or (bool(lines) and lines[0].startswith("#!"))


def outline(lines: Sequence[str], *, code: bool = False) -> list[Heading]:
    """The headings in order, at most ``MOST_HEADINGS``. Fenced blocks and front matter hold none."""
    return list(islice(_definitions(lines) if code else _headings(lines), MOST_HEADINGS))


def _definitions(lines: Sequence[str]) -> Iterator[Heading]:
    for at, line in enumerate(lines):
        if len(line) <= 4 * HEADING_LIMIT and _DEFINITION.fullmatch(line):
            yield Heading(2 if line[0].isspace() else 1, clip(line, HEADING_LIMIT).rstrip(" {:"), (at,))


def _headings(lines: Sequence[str]) -> Iterator[Heading]:
    fence = ""
    for at in range(front_matter(lines), len(lines)):
        opening = _FENCE.match(lines[at])
        if opening and fence in ("", opening[1]):
            fence = "" if fence else opening[1]
        elif not fence and 0 < len(lines[at]) <= 4 * HEADING_LIMIT:
            heading = _heading(lines, at)
            if heading:
                yield heading


def front_matter(lines: Sequence[str]) -> int:
    """How many lines a YAML front matter takes at the start; 0 without one."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    end = next((at for at in range(1, min(len(lines), 100)) if lines[at].rstrip() in ("---", "...")), None)
    return 0 if end is None else end + 1


def _heading(lines: Sequence[str], at: int) -> Heading | None:
    line = lines[at]
    if atx := _ATX.fullmatch(line):
        return Heading(len(atx[1]), clip(atx[2], HEADING_LIMIT), (at,))
    following = lines[at + 1] if at + 1 < len(lines) else ""
    underline = _UNDERLINE.fullmatch(following) if _may_be_title(line) else None
    if underline and _blank(lines, at - 1, or_underline=underline[1]):
        return Heading(_UNDERLINE_LEVEL.get(underline[1], 4), clip(line, HEADING_LIMIT), (at, at + 1))
    if not (_blank(lines, at - 1) and _blank(lines, at + 1)) or len(line.strip()) > HEADING_LIMIT:
        return None
    if numbered := _NUMBERED.fullmatch(line):
        depth = numbered[1].rstrip(".)").count(".") + 1
        return Heading(min(depth, 6), clip(line, HEADING_LIMIT), (at,)) if len(line.split()) <= 14 else None
    words = line.strip()
    if words.isupper() and len(words) >= 4 and 1 <= len(words.split()) <= 12 and sum(map(str.isalpha, words)) >= 4:
        return Heading(1, clip(line, HEADING_LIMIT), (at,))
    return None


def _may_be_title(line: str) -> bool:
    text = line.strip()
    return bool(text) and len(text) <= HEADING_LIMIT and "|" not in text and any(map(str.isalnum, text))


def _blank(lines: Sequence[str], at: int, *, or_underline: str = "") -> bool:
    if not 0 <= at < len(lines):
        return True
    text = lines[at].strip()
    return not text or (bool(or_underline) and not text.strip(or_underline))
