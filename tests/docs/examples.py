"""The examples in README.md and docs/: fenced blocks, the commands in them, commands in running text, links and anchors."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`((?:\./dev )?murmur [^`\n]+)`")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_ENDS: Final = ("&&", "||", "|", ";", "&")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``line`` counts from 1."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command: its words, without redirections and leading assignments."""

    where: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where} {shlex.join(self.words)}"

    @property
    def murmur(self) -> tuple[str, ...] | None:
        """The words behind ``murmur`` or ``./dev murmur``; None for any other command."""
        if self.words[:2] in (("./dev", "murmur"), ("./dev", "up")):
            return self.words[2:] if self.words[1] == "murmur" else self.words[1:]
        return self.words[1:] if self.words[0] == "murmur" else None


def blocks(language: str = "", page: Path | None = None) -> Iterator[Block]:
    """Every fenced block, of one language or page if that is given."""
    for path in PAGES if page is None else (page,):
        text = path.read_text("utf-8")
        for found in _FENCE.finditer(text):
            if not language or found[2] == language:
                margin = found[1]
                body = "".join(line.removeprefix(margin) for line in found[3].splitlines(keepends=True))
                yield Block(path, text.count("\n", 0, found.start()) + 1, found[2], body)


def commands(page: Path | None = None) -> Iterator[Command]:
    """Every command of every ``sh`` block, in order."""
    for block in blocks("sh", page):
        yield from parsed(str(block), block.text)


def parsed(where: str, text: str) -> Iterator[Command]:
    """The simple commands of a piece of shell, pipes and lists taken apart."""
    for line in text.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        words: list[str] = []
        for word in (*reader, ";"):
            if word not in _ENDS:
                words.append(word)
                continue
            found = _bare(words)
            if found:
                yield Command(where, found)
            words = []


def _bare(words: list[str]) -> tuple[str, ...]:
    """Without redirections and assignments before the command."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("<", ">", ">>"):
            skip = True
            if kept and kept[-1] == "2":
                kept.pop()
        elif kept or not re.match(r"[A-Za-z_]+=", word):
            kept.append(word)
    return tuple(kept)


def mentioned() -> Iterator[Command]:
    """Every ``murmur …`` in running text and tables."""
    for path in PAGES:
        text = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), path.read_text("utf-8"))
        for found in _INLINE.finditer(text):
            where = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
            yield from parsed(where, found[1].replace("\\|", "|"))


def links() -> Iterator[tuple[Path, str]]:
    """Every link and image: the page and the target as written."""
    for path in PAGES:
        for found in _LINK.finditer(_FENCE.sub("", path.read_text("utf-8"))):
            yield path, found[1]


def anchors(path: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    made = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        made.add(re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-"))
    return made
