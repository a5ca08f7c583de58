"""File names made from what was given: safe to write anywhere, and never the same for two different things."""

from __future__ import annotations

import re
from typing import Final

from murmur import keys

DIGESTS: Final = f"{keys.OUTPUT}digests/"
CLAIMS: Final = f"{keys.OUTPUT}claims/"
INDEX: Final = f"{keys.OUTPUT}index.md"
CHECKLIST: Final = f"{keys.OUTPUT}checklist.md"
_SLUG_LIMIT: Final = 60
_PLAIN_LIMIT: Final = 100
_SEGMENT: Final = r"[A-Za-z0-9.-]+(?:_[A-Za-z0-9.-]+)*"
_PLAIN: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9]+")


def digest_key(document: str) -> str:
    """Where the digest of a document of knowledge-base/ belongs.

    A plain path keeps its name, with ``__`` for each slash (no plain segment holds two underscores in a row); any other is named
    by a slug and, behind the ``~`` that no plain name holds, a fingerprint.
    """
    path = document.removeprefix(keys.KNOWLEDGE)
    if len(path) <= _PLAIN_LIMIT and _PLAIN.fullmatch(path):
        return f"{DIGESTS}{path.replace('/', '__')}.md"
    return f"{DIGESTS}{_slug(path)}~{fingerprint(path)}.md"


def claim_name(item: str, occurrence: int) -> str:
    """The name of a checklist item's claim file, without folder and suffix. ``occurrence`` tells equal items apart."""
    return f"{_slug(item)}~{fingerprint(f'{occurrence} {item}')}"


def claim_key(name: str) -> str:
    """Where the claim of that name belongs."""
    return f"{CLAIMS}{name}.md"


def fingerprint(text: str) -> str:
    """64 bits of FNV-1a over UTF-8, in hex: tells names apart, protects nothing. (hashlib would cost every process 4 MB.)"""
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogatepass"):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def _slug(text: str) -> str:
    return _UNSAFE.sub("-", text[: 4 * _SLUG_LIMIT])[:_SLUG_LIMIT].strip("-") or "unnamed"
