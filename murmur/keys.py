"""The bucket layout. Nothing else knows how a key is spelled (contracts.md, "Bucket")."""

from __future__ import annotations

import re
from typing import Final

CONFIG: Final = "config.json"
DIRECTION: Final = "direction.md"
CONTROL: Final = "control.json"
ROSTER: Final = "roster.json"

STORE: Final = "store/"
STATE: Final = "state/"
LEASE: Final = f"{STATE}lease.json"
"""The sign that the lifecycle looks after the run (docs/decisions/0006-leases.md)."""
SEGMENTS: Final = "segments/"
OUTPUT: Final = "output/"
KNOWLEDGE: Final = "knowledge-base/"
HISTORY: Final = "history/"
VERSIONS: Final = "versions/"
"""What files of output/ and knowledge-base/ were before they were last replaced (``murmur.versions``)."""
WEB: Final = "web/"

ARCHIVED: Final = (STORE, SEGMENTS, OUTPUT, VERSIONS + OUTPUT)
"""What a new start moves to history/<utc>/."""

_LOG = re.compile(r"store/agent-(0|[1-9]\d{0,5})\.ndjson")
_DIRECTIVE = re.compile(r"store/agent-(0|[1-9]\d{0,5})\.directive\.md")
_STATE = re.compile(r"state/agent-(0|[1-9]\d{0,5})\.json")
_SEGMENT = re.compile(r"segments/agent-(0|[1-9]\d{0,5})\.(\d{5})\.ndjson")


def log(agent: int) -> str:
    """Key of the agent's log."""
    return f"{STORE}agent-{agent}.ndjson"


def directive(agent: int) -> str:
    """Key of the operator's extra instruction for one agent."""
    return f"{STORE}agent-{agent}.directive.md"


def state(agent: int) -> str:
    """Key of the agent's heartbeat document."""
    return f"{STATE}agent-{agent}.json"


def segment(agent: int, number: int) -> str:
    """Key of the ``number``-th older part of the agent's log, counted from 1."""
    return f"{SEGMENTS}agent-{agent}.{number:05d}.ndjson"


def segments(agent: int) -> str:
    """Prefix of all older parts of the agent's log."""
    return f"{SEGMENTS}agent-{agent}."


def previous(key: str) -> str:
    """Key of what the file was before it was last replaced."""
    return VERSIONS + key


def history(run: str, key: str = "") -> str:
    """Key of an object of an earlier run, or the run's prefix."""
    return f"{HISTORY}{run}/{key}"


def agent_of_log(key: str) -> int | None:
    """The agent whose log this key is; None if it is no log."""
    match = _LOG.fullmatch(key)
    return int(match[1]) if match else None


def agent_of_directive(key: str) -> int | None:
    """The agent whose directive this key is; None if it is no directive."""
    match = _DIRECTIVE.fullmatch(key)
    return int(match[1]) if match else None


def agent_of_state(key: str) -> int | None:
    """The agent whose heartbeat document this key is; None if it is none."""
    match = _STATE.fullmatch(key)
    return int(match[1]) if match else None


def segment_number(key: str) -> int | None:
    """Which older part of a log this key is, counted from 1; None if it is none."""
    match = _SEGMENT.fullmatch(key)
    return int(match[2]) if match else None
