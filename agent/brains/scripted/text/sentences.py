"""The sentences of a text: paragraphs first, then sentences in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from agent.brains.scripted.text.outline import front_matter
from agent.brains.scripted.text.words import letters, spaceless

SENTENCE_LIMIT: Final = 320
MOST_SENTENCES: Final = 20_000
_SHORTEST: Final = 20
_SHORTEST_SPACELESS: Final = 8
_FEWEST_WORDS: Final = 4
_PARAGRAPH_LIMIT: Final = 20_000
_FENCE: Final = re.compile(r"\s*(```|~~~)")
_MARKER: Final = re.compile(
    r"\s*(?:>+|(?:[-*+•]|\d{1,3}[.)]|\([a-z\d]{1,3}\))(?=\s)|//+!?|#+!?|;;+|/?\*+/?|<!--|\"\"\")\s*"
)
_ITEM: Final = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)]|\([a-z\d]{1,3}\))\s+\S")
_TABLE: Final = re.compile(r"\s*\|")
_STATEMENT: Final = re.compile(
    r"[=;{}]|[\w)\]]\(|[:,(\[]\s*\Z|^\s*(?:return|import|from|def|class|if|for|else|elif|while|try|except|raise|let|const|var|use|pub|@\w)\b"
)
_QUOTES: Final = re.compile(r"^[rfbRFB]?\"\"\"|\"\"\"$|\*/$|-->$")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s[^()]*)?\)")
_END: Final = re.compile(r"[.!?…]+[\"'”’)\]*_]*\s+|[。！？]+[」』”’]?\s*")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[\"“])(?:[^\W\d_]|e\.g|i\.e|cf|vs|mr|mrs|ms|dr|no|nos|fig|st|al|approx|inc|ltd|resp|z\.b|d\.h|p|pp|ch|sec)\Z",
    re.IGNORECASE,
)


def sentences(lines: Sequence[str], skip: Collection[int] = (), *, code: bool = False) -> list[str]:
    """Sentences fit to quote, in order and once each; ``skip`` names lines that are headings, ``code`` says it is source code.

    Each is one line of at most ``SENTENCE_LIMIT`` characters (a longer one is cut and ends in "…"). Code blocks, tables, and what has
    hardly any letters is left out; of source code, only what reads like a comment is kept.
    """
    found: dict[str, None] = {}
    for paragraph in paragraphs(lines, skip, code=code):
        for sentence in _split(paragraph):
            if _fit(sentence):
                found.setdefault(_cut(sentence))
        if len(found) >= MOST_SENTENCES:
            break
    return list(found)[:MOST_SENTENCES]


def paragraphs(lines: Sequence[str], skip: Collection[int] = (), *, code: bool = False) -> Iterator[str]:
    """Runs of lines without a blank line, a heading, a fence, a table row or a new list item between them."""
    run: list[str] = []
    size = 0
    fence = ""
    for at in range(front_matter(lines), len(lines)):
        line = lines[at]
        opening = _FENCE.match(line)
        if opening and fence in ("", opening[1]):
            fence = "" if fence else opening[1]
        apart = bool(
            opening
            or fence
            or at in skip
            or _TABLE.match(line)
            or not line.strip()
            or (code and _STATEMENT.search(line))
        )
        if run and (apart or _ITEM.match(line) or size > _PARAGRAPH_LIMIT):
            yield " ".join(run)
            run, size = [], 0
        if not apart:
            run.append(_plain(line))
            size += len(line)
    if run:
        yield " ".join(run)


def _plain(line: str) -> str:
    """The line without list and comment marks; links become their text, and tags vanish where they are not quoted as code."""
    marker = _MARKER.match(line)
    text = _LINK.sub(r"\1", _QUOTES.sub("", line[marker.end() :].rstrip() if marker else line.strip()))
    return " ".join((text if "`" in text else _TAG.sub(" ", text)).split())


def _split(paragraph: str) -> Iterator[str]:
    begin = 0
    for end in _END.finditer(paragraph):
        following = paragraph[end.end() : end.end() + 1]
        if end[0][0] not in "。！？" and (following.islower() or _abbreviated(paragraph, end.start())):
            continue
        yield paragraph[begin : end.end()].strip()
        begin = end.end()
    yield paragraph[begin:].strip()


def _abbreviated(paragraph: str, at: int) -> bool:
    return paragraph[at] == "." and _ABBREVIATION.search(paragraph, max(0, at - 12), at) is not None


def _fit(sentence: str) -> bool:
    head = sentence[: 2 * SENTENCE_LIMIT]
    if 5 * letters(head) < 3 * len(head.replace(" ", "")):
        return False
    if spaceless(head):
        return len(head) >= _SHORTEST_SPACELESS
    return len(head) >= _SHORTEST and len(head.split()) >= _FEWEST_WORDS


def _cut(sentence: str) -> str:
    sentence = "".join(c if c.isprintable() else " " for c in sentence[: SENTENCE_LIMIT + 1])
    if len(sentence) <= SENTENCE_LIMIT:
        return sentence
    head = sentence[: SENTENCE_LIMIT - 1]
    space = head.rfind(" ")
    return (head[:space] if space > SENTENCE_LIMIT // 2 else head).rstrip() + "…"
