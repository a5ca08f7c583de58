"""One turn: observe, prompt, run, verify, and the line that comes of it. Nothing here decides whether a turn is due."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final

from agent import prompt, verify
from agent.journal import Journal
from agent.patience import Patience
from agent.ports import Mind, TurnOutcome
from agent.tools.desk import Desk
from agent.view import View
from murmur.cursor import Cursor, listing_version
from murmur.entry import LogEntry, moment, one_line, timestamp
from murmur.errors import Fenced
from murmur.gate import Verdict
from murmur.listing import OUTPUT_LOOK_KEYS, output_files
from murmur.ports import Clock, ObjectInfo, Store

FILES_IN_ENTRY: Final = 64


@dataclass(frozen=True, slots=True)
class Done:
    """What a turn came to. ``cursor`` is where the agent stands if it succeeded."""

    entry: LogEntry
    outcome: TurnOutcome
    cursor: Cursor
    appended: bool
    """False for an idle line that only repeats the one before it (wake.md)."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What an agent saw as its turn began. ``reached``: where its cursor stands if the turn succeeds; ``before``: if not."""

    began_at: float
    """Monotonic seconds."""
    wake_ms: int | None
    """From the waking neighbour's append to the beginning; None when no neighbour woke it."""
    news: Mapping[int, tuple[LogEntry, ...]]
    output: tuple[ObjectInfo, ...]
    before: Cursor
    reached: Cursor

    @property
    def changed(self) -> frozenset[str]:
        """Which of the operator's documents are others than the last successful turn took into account."""
        now, then = self.reached.documents, self.before.documents
        return frozenset(name for name, version in now.items() if then.get(name, "") != version)


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

    async def observe(self, verdict: Verdict, cursor: Cursor) -> Observed:
        """The turn begins: see everything afresh, so that it takes into account whatever is there by now."""
        began, began_at = self.clock.now(), self.clock.monotonic()
        woke = self.view.new_entries(cursor)  # a swarm member's neighbours may be others after the look
        _, output = await asyncio.gather(self.view.look(), output_files(self.store))
        news = {**woke, **self.view.new_entries(cursor)}
        passed = {other: entries[-1].iteration for other, entries in woke.items()}
        reached = cursor.advanced(passed, {}).advanced(self.view.newest(), self.view.documents())
        return Observed(began_at, self._wake_ms(verdict, began), news, tuple(output), cursor, reached)

    async def carry_out(self, verdict: Verdict, observed: Observed, patience: Patience, trace: str) -> Done:
        """Prompt, run, verify, append. Raises Fenced, Unavailable; an agent process that fails is an outcome, not an error.

        When ``patience`` ends, so does the turn. It leaves a line that says so, unless the run is another by now.
        """
        desk = Desk(
            self.store,
            self.agent,
            frozenset(self.view.neighbours),
            self.journal.next_iteration,
            self.view.config.knowledgeWritable,
            random=self.random,
            pause=self.clock.sleep,
        )
        try:
            outcome = await self._run(desk, self.words(verdict, observed), patience)
        finally:
            desk.close()
        await desk.at_rest()
        if patience.over.disowned:
            raise Fenced(self.agent)

        output = {"output": _output_seen(observed.output, desk)}
        observed = replace(observed, reached=observed.reached.advanced({}, output))
        doubts = await verify.doubts(self.store, desk, outcome)
        entry = self._entry(desk, outcome, verdict, observed, trace, doubts=doubts)
        repeats = entry.is_idle and not entry.files and not entry.refused and self.journal.own_idle
        if not repeats:
            await self.journal.append(entry)
        return Done(entry, outcome, observed.reached, appended=not repeats)

    def words(self, verdict: Verdict, observed: Observed) -> str:
        """What the agent process is told."""
        facts = prompt.TurnFacts(
            self.agent,
            self.size,
            self.journal.next_iteration,
            verdict,
            observed.news,
            [entry for entry in (self.journal.previous, self.journal.last) if entry],
            observed.output,
            f"{self.random.getrandbits(48):012x}",
            observed.changed,
        )
        return prompt.build(self.view, facts)

    async def _run(self, desk: Desk, words: str, patience: Patience) -> TurnOutcome:
        running = asyncio.ensure_future(self.mind.run(desk, words, self.view.config.turnTimeoutSeconds))
        try:
            if not await patience.wait(running):
                running.cancel()
                await asyncio.wait({running})
                return TurnOutcome("cancelled", detail=f"stopped during this turn: {patience.over.why}")
            return running.result()
        finally:
            running.cancel()

    def _entry(
        self,
        desk: Desk,
        outcome: TurnOutcome,
        verdict: Verdict,
        observed: Observed,
        trace: str,
        *,
        doubts: tuple[str, ...],
    ) -> LogEntry:
        """The honest line. One that failed leaves the cursor where it was, so that what was due stays due."""
        said = desk.said
        cursor = observed.reached if said else observed.before
        action, result, next_intent = _words(desk, outcome)
        return LogEntry(
            ts=timestamp(self.clock.now()),
            iteration=desk.iteration,
            action=action,
            result=result,
            next_intent=next_intent,
            state=said.state if said else "working",
            cause=verdict.cause,
            woken_by=verdict.woken_by,
            wake_ms=observed.wake_ms,
            turn_ms=round((self.clock.monotonic() - observed.began_at) * 1000),
            seen=cursor.seen,
            seen_documents=cursor.documents,
            files=tuple(desk.files[:FILES_IN_ENTRY]),
            stop_reason=outcome.stop_reason,
            failed=said is None,
            usage=outcome.usage,
            refused=verify.remarks(desk.refusals),
            doubts=doubts,
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


def _words(desk: Desk, outcome: TurnOutcome) -> tuple[str, str, str]:
    """Action, result and next intent: the agent's own words, or ours saying that there were none."""
    if desk.said is not None:
        return desk.said.action, desk.said.result, desk.said.next_intent
    wrote = f"; wrote {len(desk.files)} files" if desk.files else ""
    why = outcome.detail or "the agent ended its turn without a broadcast"
    return "turn failed", one_line(f"{outcome.stop_reason}: {why}{wrote}"), "try again"


def _output_seen(listed: tuple[ObjectInfo, ...], desk: Desk) -> str:
    """The version of output/ that this turn has taken into account: as it began, what it then listed itself, and what it wrote.

    Of a folder too large to be looked at whole, a listing may show what no look will: it would seem changed for ever.
    """
    shown = desk.seen if len(listed) < OUTPUT_LOOK_KEYS else {}
    return listing_version(listed, {**shown, **desk.etags})
