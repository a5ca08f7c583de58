"""What an agent would be told if it took a turn now: the loop's own steps, up to the prompt and no further. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from agent.beginning import begin
from agent.heart import Heart
from agent.journal import Journal
from agent.lookout import Lookout
from agent.ports import TurnOutcome
from agent.reader import SharedReader
from agent.tools.desk import Desk
from agent.turn import Turn
from agent.view import View
from murmur import gate
from murmur.errors import NotFound
from murmur.ports import Clock, Store
from murmur.roster import read_roster
from murmur.state import AgentState


@dataclass(frozen=True, slots=True)
class Preview:
    """A prompt. ``due``: whether the agent would be woken at all just now; if not, the cause is the interval's."""

    words: str
    cause: str
    due: bool


class _NoMind:
    """Thinks nothing: a preview ends before the turn."""

    scripted = False

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:  # noqa: ARG002 - the port's
        """Never called."""
        raise AssertionError("a preview takes no turn")

    async def close(self) -> None:
        """Nothing to end."""


async def preview(store: Store, clock: Clock, agent: int) -> Preview:
    """The prompt of ``agent`` in the present run. Raises NotFound if there is no such run or agent, Unavailable."""
    roster = await read_roster(store)
    if roster is None:
        raise NotFound("There has been no run yet.", "Start one with `murmur start`.")
    if not 0 <= agent < roster.size:
        raise NotFound(f"There is no agent-{agent} in this run.", f"Its agents are 0 to {roster.size - 1}.")
    view = View(store, SharedReader(store), agent, roster.size, roster.run)
    journal = Journal(store, clock, agent, roster.run)
    began = await begin(journal, Heart(store, clock, AgentState(agent=agent, run=roster.run)), view)
    verdict = gate.judge(Lookout(store, clock, view, journal).situation(began.cursor, unfinished=began.unfinished))
    turn = Turn(agent, roster.size, store, clock, Random(), view, journal, _NoMind())
    seen = await turn.observe(verdict, began.cursor)
    return Preview(turn.words(replace(verdict, due=True), seen), verdict.cause, verdict.due)
