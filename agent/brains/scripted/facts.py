"""What a turn is told about itself: the ```murmur-turn block at the top of the prompt."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple, TypeGuard

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted.tools import Tools
from murmur import keys
from murmur.errors import InvalidInput

_BLOCK: Final = re.compile(r"^```murmur-turn[ \t]*\r?\n(.*?)^```", re.MULTILINE | re.DOTALL)


class TurnFacts(NamedTuple):
    """Who this agent is in this turn."""

    agent: int
    of: int
    """How many agents stand in the flock."""
    neighbours: tuple[int, ...]
    iteration: int
    woken_by: tuple[int, ...] = ()


def parse_facts(prompt: str) -> TurnFacts:
    """Read the first block of the prompt. Raises InvalidInput naming what is missing."""
    block = _BLOCK.search(prompt)
    if block is None:
        raise InvalidInput(
            "The prompt has no murmur-turn block.", "Start the scripted brain through Murmur's own loop."
        )
    try:
        value = json.loads(block[1])
    except ValueError as error:
        raise InvalidInput(f"The murmur-turn block is not JSON: {error}.", "Send one JSON object.") from error
    if not isinstance(value, dict):
        raise InvalidInput("The murmur-turn block is no JSON object.", "Send one JSON object.")
    agent = _count(value, "agent")
    woken_by = value.get("woken_by") or []
    return TurnFacts(
        agent,
        max(1, _count(value, "of")),
        tuple(n for n in value.get("neighbours") or [] if _is_count(n) and n != agent),
        _count(value, "iteration"),
        tuple(w["agent"] for w in woken_by if isinstance(w, dict) and _is_count(w.get("agent"))),
    )


async def cross_check(tools: Tools, facts: TurnFacts) -> TurnFacts:
    """The facts with the flock's size as config.json says now: it may have been changed since the prompt was written."""
    try:
        config = json.loads(await tools.call("fs_read", path=keys.CONFIG))
    except (ToolRefused, ValueError):
        return facts  # No readable configuration: the prompt's word stands.
    size = config.get("concurrency") if isinstance(config, dict) else None
    return facts._replace(of=size) if _is_count(size) and size > facts.agent else facts


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(value: dict[str, Any], name: str) -> int:
    found = value.get(name)
    if not _is_count(found):
        raise InvalidInput(f"The murmur-turn block's {name} is {found!r}.", f"{name} must be a whole number from 0 up.")
    return found
