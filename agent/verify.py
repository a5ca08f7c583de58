"""What a turn says it did, held against what it did. A claim that does not hold is left as it is, and the entry says so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Final

from agent.ports import TurnOutcome
from agent.tools.desk import Desk, Said
from murmur import keys
from murmur.entry import one_line
from murmur.errors import MurmurError, NotFound
from murmur.ports import Store

NAMES_CHECKED: Final = 8
"""Files of one entry that are looked at; each may cost a request."""
REMARKS_KEPT: Final = 6
_REMARK_CHARACTERS: Final = 160
_NAMED: Final = re.compile(rf"{keys.OUTPUT}[^\s\"'`<>()\[\]{{}}|,;:]+")


async def doubts(store: Store, desk: Desk, outcome: TurnOutcome) -> tuple[str, ...]:
    """What does not hold of what the turn said: tools never listed, files named that are not there, or that it did not write."""
    found: list[str] = []
    if desk.said is None:
        return ()  # the entry is a failure and says why
    if not desk.listed.is_set():
        found.append("the tools were never listed in this turn")
    if outcome.stop_reason in ("max_tokens", "max_turn_requests"):
        found.append(f"the turn was cut short ({outcome.stop_reason})")
    kept, others = named_files(desk.said, desk.files)
    # Beside a file that was written, or from one that says it is idle, another's name is a mention and no claim.
    claims = desk.said.state == "working" and not kept
    found += await asyncio.gather(*(_doubt(store, name, claimed=claims) for name in others[:NAMES_CHECKED]))
    return remarks(text for text in found if text)


def named_files(said: Said, written: Iterable[str]) -> tuple[list[str], list[str]]:
    """Files under output/ that the entry's action and result name: those of ``written``, and others, once each.

    Folders, and names that were cut off, are none. A name of ``written`` is known also if it has spaces in it.
    """
    kept: dict[str, None] = {}
    others: dict[str, None] = {}
    for whole in (said.action, said.result):
        text = whole
        for name in sorted(written, key=len, reverse=True):
            if name in text:
                kept[name] = None
                text = text.replace(name, " ")
        for match in _NAMED.finditer(text):
            name = match[0].rstrip(".!?*_…")
            cut = match.end() == len(text) and text.endswith("…")
            if not cut and not name.endswith("/") and name != keys.OUTPUT:
                others[name] = None
    return list(kept), list(others)


def remarks(texts: Iterable[str]) -> tuple[str, ...]:
    """Remarks fit for an entry: one line each, the first few, and how many more there were."""
    lines = [one_line(text, _REMARK_CHARACTERS) for text in dict.fromkeys(texts)]
    hidden = len(lines) - REMARKS_KEPT
    return tuple(lines) if hidden <= 0 else (*lines[:REMARKS_KEPT], f"and {hidden} more")


async def _doubt(store: Store, name: str, *, claimed: bool) -> str:
    absent = f"names {name}, which is not there"
    if {"", ".", ".."} & set(name.split("/")):
        return absent  # no file of ours has such a name, and a store may take it for another
    try:
        await store.head(name)
    except NotFound:
        return await _unless_longer(store, name, absent)
    except MurmurError:
        return ""  # not known is no doubt
    return f"names {name}, which it did not write in this turn" if claimed else ""


async def _unless_longer(store: Store, name: str, doubt: str) -> str:
    """The doubt, unless what was taken for the name is only the part of one before a space."""
    try:
        return "" if (await store.list(f"{name} ")).objects else doubt
    except MurmurError:
        return ""
