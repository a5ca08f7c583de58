"""What an agent tells outside the standard messages, in words of ours. Each kind of agent has its own dialect; see ``kinds``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Note:
    """One thing heard on the side. Everything is optional: an empty note says nothing."""

    warning: str = ""
    """What it warned of, for the log should the turn fail."""
    rate_limited: bool = False
    """The provider asked to slow down."""
    retry_after_seconds: float = 0.0
    """How long it means to wait itself."""
    fatal: str = ""
    """Why no turn of this process can come to anything: it runs something else than it was told to, or has no quota left."""
    usage: Mapping[str, float] = field(default_factory=dict)
    """Further fields of the turn's usage, such as ``credits``."""


Hear = Callable[[str, Mapping[str, Any]], Note | None]
"""Takes the method (without a leading underscore) and the fields of a notification that is not ACP's own. Never raises."""


def deaf(_method: str, _fields: Mapping[str, Any]) -> None:
    """The dialect of an agent that has none."""


def everything(_asked: Mapping[str, Any]) -> bool:
    """Grants whatever is asked: for agents that have no tools but ours, or ask in no way that tells them apart."""
    return True
