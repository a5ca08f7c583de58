"""One turn: observe, prompt, run, verify, and the line that comes of it. Nothing here decides whether a turn is due."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from agent import prompt
from agent.journal import Journal
from agent.ports import Mind, TurnOutcome
from agent.tools.desk import Desk
from agent.view import View
from murmur.cursor import Cursor, listing_version
from murmur.entry import LogEntry, moment, one_line, timestamp
from murmur.gate import Verdict
from murmur.listing import output_files
from murmur.ports import Clock, Store

FILES_IN_ENTRY: Final = 64
STOPPED: Final = TurnOutcome("cancelled", detail="the operator stopped the flock during this turn")


@dataclass(frozen=True, slots=True)
class Done:
    """What a turn came to. ``cursor`` is where the agent stands if it succeeded."""

    entry: LogEntry
    outcome: TurnOutcome
    cursor: Cursor
    appended: bool
    """False for an idle line that only repeats the one before it (wake.md)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What every turn of an agent needs."""

    agent: int
    size: int
    store: Store
    clock: Clock
    random: Random
    view: View
    journal: Journal
    mind: Mind

    async def take(self, verdict: Verdict, cursor: Cursor, stopping: asyncio.Event, trace: str) -> Done:
        """Run the turn to its end, its line appended. Raises Fenced, Unavailable; a failing agent is an outcome, not an error."""
        began = self.clock.now()
        began_at = self.clock.monotonic()
        wake_ms = self._wake_ms(verdict, began)
        await self.view.look()
        output = await output_files(self.store)
        news = self.view.new_entries(cursor)
        reached = cursor.advanced(self.view.newest(), self.view.documents())

        desk = Desk(
            self.store,
            self.agent,
            frozenset(self.view.neighbours),
            self.journal.next_iteration,
            self.view.config.knowledgeWritable,
            random=self.random,
            pause=self.clock.sleep,
        )
        facts = prompt.TurnFacts(
            self.agent,
            self.size,
            desk.iteration,
            verdict,
            news,
            [entry for entry in (self.journal.previous, self.journal.last) if entry],
            output,
            f"{self.random.getrandbits(48):012x}",
        )
        outcome = await self._run(desk, prompt.build(self.view, facts), stopping)
        desk.close()
        await desk.at_rest()

        reached = reached.advanced({}, {"output": listing_version(output, desk.etags)})
        entry = self._entry(desk, outcome, verdict, reached if desk.said else cursor, trace).model_copy(
            update={"wake_ms": wake_ms, "turn_ms": round((self.clock.monotonic() - began_at) * 1000)}
        )
        repeats = entry.state == "idle" and not entry.files and self.journal.own_idle
        if not repeats:
            await self.journal.append(entry)
        return Done(entry, outcome, reached, appended=not repeats)

    async def _run(self, desk: Desk, words: str, stopping: asyncio.Event) -> TurnOutcome:
        running = asyncio.ensure_future(self.mind.run(desk, words, self.view.config.turnTimeoutSeconds))
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                running.cancel()
                await asyncio.wait({running})
                return STOPPED
            return running.result()
        finally:
            stop.cancel()
            running.cancel()

    def _entry(self, desk: Desk, outcome: TurnOutcome, verdict: Verdict, cursor: Cursor, trace: str) -> LogEntry:
        """The honest line: the agent's own words, or ours saying that there were none."""
        said = desk.said
        files = tuple(desk.files[:FILES_IN_ENTRY])
        if said is not None:
            words = (said.action, said.result, said.next_intent)
        else:
            wrote = f"; wrote {len(desk.files)} files" if desk.files else ""
            why = outcome.detail or "the agent ended its turn without a broadcast"
            words = ("turn failed", one_line(f"{outcome.stop_reason}: {why}{wrote}"), "try again")
        return LogEntry(
            ts=timestamp(self.clock.now()),
            iteration=desk.iteration,
            action=words[0],
            result=words[1],
            next_intent=words[2],
            state=said.state if said else "working",
            cause=verdict.cause,
            woken_by=verdict.woken_by,
            seen=cursor.seen,
            seen_documents=cursor.documents,
            files=files,
            stop_reason=outcome.stop_reason,
            failed=said is None,
            usage=outcome.usage,
            trace=trace,
        )

    def _wake_ms(self, verdict: Verdict, began: datetime) -> int | None:
        """From the newest waking entry's append to now; None when no neighbour woke this turn."""
        if not verdict.woken_by:
            return None
        waker = verdict.woken_by[-1]
        entry = next((e for e in self.view.tails().get(waker.agent, ()) if e.iteration == waker.iteration), None)
        written = moment(entry.ts) if entry else None
        return max(0, round((began - written).total_seconds() * 1000)) if written else None
