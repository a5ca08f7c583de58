"""Where an agent stands as its process begins: what its log and its state document say it had taken into account."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.heart import Heart
from agent.journal import Journal
from agent.view import View
from murmur.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Beginning:
    """How this process begins. All empty for an agent that has not lived before in this run."""

    cursor: Cursor = field(default_factory=Cursor)
    restarted: bool = False
    """Another process of this agent, in this run, was there before."""
    unfinished: bool = False
    """That one began a turn and left no line for it."""


async def begin(journal: Journal, heart: Heart, view: View) -> Beginning:
    """Read what is there. A turn that was appended, or begun, has been spent. Raises Fenced, Unavailable."""
    await journal.open()
    before = await heart.open()
    await view.look()
    last = journal.last
    heart.count(turns=max(0, journal.next_iteration - heart.state.counters.turns))
    return Beginning(
        Cursor.restored(last, before),
        restarted=last is not None or before is not None,
        unfinished=before is not None and before.turn is not None and before.turn.iteration >= journal.next_iteration,
    )
