"""What a reasoning model thinks aloud between <think> and </think>, parted from what it says, while it streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.brains.model.dialect import Piece

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class Thinking:
    """Takes text in any pieces and tells which of it is thought."""

    def __init__(self) -> None:
        self._inside = False
        self._held = ""

    def feed(self, text: str) -> Iterator[Piece]:
        """Parts of ``text``; the beginning of what may be a mark is held back."""
        text, self._held = self._held + text, ""
        while text:
            mark = _CLOSE if self._inside else _OPEN
            before, found, after = text.partition(mark)
            if not found:
                keep = _begun(text, mark)
                before, self._held, after = text[: len(text) - keep], text[len(text) - keep :], ""
            if before:
                yield Piece("thought" if self._inside else "text", before)
            if found:
                self._inside = not self._inside
            text = after

    def rest(self) -> Iterator[Piece]:
        """What was held back and turned out to be no mark."""
        if self._held:
            yield Piece("thought" if self._inside else "text", self._held)
            self._held = ""


def said_only(text: str) -> str:
    """Without thought whose beginning was never marked: some chat templates send only the end of it."""
    return text.rpartition(_CLOSE)[2].strip()


def _begun(text: str, mark: str) -> int:
    """How many characters at the end of ``text`` are the beginning of ``mark``."""
    return next((n for n in range(min(len(mark) - 1, len(text)), 0, -1) if text.endswith(mark[:n])), 0)
