"""The checklist of a direction: which lines are items."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from agent.brains.scripted.tools import clip
from agent.brains.scripted.work.naming import claim_name

ITEM_LIMIT: Final = 500
_BOX: Final = re.compile(r"\s*(?:[-*+]|\d{1,6}[.)])[ \t]+\[(?P<mark>[ xX])\][ \t]+(?P<text>\S.*)")
_PLAIN: Final = re.compile(r" {0,3}(?:[-*+]|\d{1,6}[.)])[ \t]+(?P<text>\S.*)")
_FENCE: Final = re.compile(r"\s*(```|~~~)")
_RULE: Final = re.compile(r"\s*(?:[-*_][ \t]*){3,}")


class Item(NamedTuple):
    """One item: its text in one line, and the name of its claim file."""

    text: str
    claim: str


def parse_items(direction: str) -> list[Item]:
    """The items in order; empty unless there are at least two.

    ``- [ ] item`` lines at any depth, if there are two or more (ticked ones count as done and are left out); otherwise the top-level lines
    ``- item`` and ``1. item``. Code blocks and rules are no items. The same text twice is two items.
    """
    boxes: list[tuple[str, bool]] = []
    plain: list[str] = []
    fenced = False
    for line in direction.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if fenced or _RULE.fullmatch(line):
            continue
        if box := _BOX.fullmatch(line):
            boxes.append((box["text"], box["mark"] != " "))
        elif bullet := _PLAIN.fullmatch(line):
            plain.append(bullet["text"])
    if len(boxes) >= 2:
        return _items([text for text, ticked in boxes if not ticked])
    texts = [text for text, ticked in boxes if not ticked] + plain
    return _items(texts) if len(texts) >= 2 else []


def _items(texts: list[str]) -> list[Item]:
    times: dict[str, int] = {}
    items = []
    for text in (clip(text, ITEM_LIMIT) for text in texts):
        times[text] = times.get(text, 0) + 1
        items.append(Item(text, claim_name(text, times[text])))
    return items
