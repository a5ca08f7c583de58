"""The digest of one document: what it is, how it is built, its key sentences, its frequent terms."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from agent.brains.scripted.text.outline import Heading, is_code, outline
from agent.brains.scripted.text.sentences import sentences
from agent.brains.scripted.text.tfidf import rank
from agent.brains.scripted.tools import clip

KEY_SENTENCES: Final = 5
FREQUENT_TERMS: Final = 12
MOST_HEADINGS: Final = 40
_OPENING_LINES: Final = 5
_TITLE_WITHIN_LINES: Final = 30
_TITLE_LIMIT: Final = 120
_CODE_SPAN: Final = re.compile(r"(?<!`)(`+)(?!`)(?:.+?)(?<!`)\1(?!`)")
_ESCAPED: Final = re.compile(r"[\\<\[\]]")


class Digest(NamedTuple):
    """What was drawn from a document. ``note`` says why there is little of it, or why only a part was read."""

    title: str
    headings: list[Heading]
    key_sentences: list[str]
    terms: list[tuple[str, int]]
    lines: int = 0
    words: int = 0
    note: str = ""
    opening: bool = False
    """Whether the key sentences are just the first lines, because the text has no sentences."""


def make_digest(path: str, text: str) -> Digest:
    """The digest of ``text``; ``path`` names the document and tells source code from prose."""
    name = path.rpartition("/")[2]
    lines = text.removeprefix("\ufeff").splitlines()
    if not text.strip():
        return Digest(name, [], [], [], len(lines), note="The document is empty.")
    code = is_code(path, lines)
    headings = outline(lines, code=code)
    found = sentences(lines, {at for heading in headings for at in heading.lines}, code=code)
    ranking = rank(found, KEY_SENTENCES, FREQUENT_TERMS)
    best = ranking.sentences
    return Digest(
        _title(name, lines, headings, code=code),
        headings,
        best or [clip(line) for line in lines if line.strip()][:_OPENING_LINES],
        ranking.terms or rank([clip(line) for line in lines[:2000]], 0, FREQUENT_TERMS).terms,
        len(lines),
        len(text.split()),
        opening=not best,
    )


def unreadable(path: str, reason: str) -> Digest:
    """The honest digest of a document that cannot be read as text."""
    return Digest(path.rpartition("/")[2], [], [], [], note=f"No digest of its contents: {clip(reason, 300)}")


def render(digest: Digest, source: str, size: int, author: str) -> str:
    """The digest as Markdown. Every line that quotes the document begins with a mark of ours, so that it cannot pose as structure."""
    parts = [
        f"# {neutral(digest.title)}\n",
        f"- Source: {code_span(clip(source, 1000))}",
        f"- Size: {_measure(digest, size)}",
    ]
    parts.append(f"- Digest by {author}: extracted by rule, no model\n")
    if digest.note:
        parts.append(f"{neutral(digest.note)}\n")
    if digest.headings:
        parts.append("## Outline\n")
        top = min(heading.level for heading in digest.headings)
        parts += [f"{'  ' * min(3, h.level - top)}- {neutral(h.text)}" for h in digest.headings[:MOST_HEADINGS]]
        more = len(digest.headings) - MOST_HEADINGS
        parts.append(f"- … and {more} more headings\n" if more > 0 else "")
    if digest.key_sentences:
        parts.append("## Opening lines\n" if digest.opening else "## Key sentences\n")
        parts += [f"{n}. {neutral(sentence)}" for n, sentence in enumerate(digest.key_sentences, 1)]
        parts.append("")
    if digest.terms:
        parts.append("## Frequent terms\n")
        parts.append(", ".join(f"{term} ({count})" for term, count in digest.terms) + "\n")
    return "\n".join(parts).rstrip("\n") + "\n"


def neutral(text: str) -> str:
    """Quoted text in which nothing is a tag, a link or an image any more; code spans and emphasis stay."""
    parts: list[str] = []
    at = 0
    for span in _CODE_SPAN.finditer(text):
        parts += [_ESCAPED.sub(r"\\\g<0>", text[at : span.start()]), span[0]]
        at = span.end()
    return "".join(parts) + _ESCAPED.sub(r"\\\g<0>", text[at:])


def code_span(text: str) -> str:
    """``text`` as a Markdown code span, whatever backticks it holds."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    ticks, pad = "`" * (longest + 1), " " if longest else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _title(name: str, lines: list[str], headings: list[Heading], *, code: bool) -> str:
    if code:
        return name
    marked = [h for h in headings if len(h.lines) == 2 or lines[h.lines[0]].lstrip().startswith("#")]
    if marked and marked[0].lines[0] <= _TITLE_WITHIN_LINES:
        return marked[0].text
    return next((clip(line, _TITLE_LIMIT) for line in lines if any(map(str.isalnum, line))), name)


def _measure(digest: Digest, size: int) -> str:
    return f"{size:,} bytes" + (f", {digest.lines:,} lines, {digest.words:,} words" if digest.lines else "")
