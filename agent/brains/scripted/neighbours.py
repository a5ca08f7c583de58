"""What the neighbours have announced: the tails of their logs, and nothing else of them."""

from __future__ import annotations

import json
from typing import Final

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted.facts import TurnFacts
from agent.brains.scripted.tools import Tools
from murmur import keys

MOST_LOGS: Final = 16
"""In a mesh everybody is a neighbour; the nearest are enough to avoid most collisions, creates settle the rest."""
_TAILS_BYTES: Final = (8 * 1024, 256 * 1024)


async def announced(tools: Tools, facts: TurnFacts) -> frozenset[str]:
    """The ``next_intent`` of each neighbour whose newest entry says it is working."""
    nearest = sorted(set(facts.neighbours), key=lambda n: (n not in facts.woken_by, _distance(facts, n), n))
    intents = set()
    for neighbour in nearest[:MOST_LOGS]:
        intent = await _intent(tools, keys.log(neighbour))
        if intent:
            intents.add(intent)
    return frozenset(intents)


async def _intent(tools: Tools, log: str) -> str:
    """What the log's newest entry announces; empty if it is idle, or there is no such log yet."""
    for tail in _TAILS_BYTES:
        try:
            text = await tools.call("fs_read", path=log, offset=-tail, limit=tail)
        except ToolRefused:
            return ""  # No log yet, or no neighbour any more: it announces nothing.
        for line in reversed(text.splitlines()):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "next_intent" in entry:
                return str(entry["next_intent"]) if entry.get("state") != "idle" else ""
    return ""


def _distance(facts: TurnFacts, other: int) -> int:
    apart = abs(facts.agent - other) % facts.of
    return min(apart, facts.of - apart)
