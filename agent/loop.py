"""The life of one agent: wait for a wake, the interval or the stop; gate; turn; append; acknowledge.

The queue only says that it is worth looking. What makes a turn due is the difference between what the agent sees (View) and what
it has taken into account (Cursor), so a message that is lost, late, doubled or out of order changes when, never what.

A round is told from top to bottom: hear (agent/mailbox.py), look (agent/view.py), judge (murmur/gate.py), act (agent/turn.py).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

from agent.beginning import Beginning, begin
from agent.brakes import Brakes
from agent.heart import Heart
from agent.journal import ROLLING, Journal, Rolling
from agent.lease import Over
from agent.limits import Pace
from agent.lookout import NOTHING, Lookout
from agent.mailbox import Arrivals, Mailbox
from agent.patience import Patience
from agent.ports import Mind
from agent.reader import SharedReader
from agent.receipts import Receipts
from agent.standby import StandBy
from agent.turn import Done, Observed, Turn
from agent.upkeep import beside, keep_up
from agent.view import View
from agent.vitals import SILENT, Vitals
from murmur import gate
from murmur.cursor import Cursor
from murmur.entry import timestamp
from murmur.errors import Fenced, NotFound, Unavailable
from murmur.gate import Verdict
from murmur.ports import Clock, Inbox, Store
from murmur.state import Activity, AgentState, Counters, CurrentTurn

FENCED: Final = "fenced"
ASKED: Final = Over("stopped")
AGAIN_SECONDS: Final = (1.0, 3.0)
"""A turn that could not begin is tried again after a while between these."""
_log = logging.getLogger(__name__)


class AgentLoop:
    """Runs agent ``agent`` of ``run`` until the run is over, ``stop`` is called, or another process takes its place."""

    def __init__(
        self,
        *,
        store: Store,
        reader: SharedReader,
        inbox: Inbox,
        clock: Clock,
        random: Random,
        mind: Mind,
        agent: int,
        size: int,
        run: str,
        host: str,
        rolling: Rolling = ROLLING,
        vitals: Vitals = SILENT,
    ) -> None:
        self.agent = agent
        self._run = run
        self._clock = clock
        self._random = random
        self._mind = mind
        self._patience = Patience(clock, random, f"agent-{agent}")
        self.view = View(store, reader, agent, size, run)
        """What it knows of the flock."""
        self._journal = Journal(store, clock, agent, run, rolling)
        self._heart = Heart(store, clock, AgentState(agent=agent, run=run, host=host, scripted=mind.scripted), vitals)
        self._mailbox = Mailbox(inbox, clock, self.view.reads)
        self._receipts = Receipts(self._heart, self._mailbox)
        self._lookout = Lookout(store, clock, self.view, self._journal)
        self._turn = Turn(agent, size, store, clock, random, self.view, self._journal, mind)
        self._brakes = Brakes(Pace(agent, size, random), clock, self.view, self._journal)
        self._began = Beginning()
        self._opened = asyncio.Event()
        self._born = clock.now()
        self._cursor = Cursor()
        self._at_rest = False
        """The last judgement found nothing due: until something is heard or looked at, the next would find the same."""
        self.fenced = False
        """Whether another process has taken this one's place."""

    @property
    def counters(self) -> Counters:
        """What it counted in this run."""
        return self._heart.state.counters

    @property
    def state(self) -> AgentState:
        """What its state document says, or is about to."""
        return self._heart.state

    def stop(self, over: Over = ASKED) -> None:
        """Ask the loop to end. A turn under way is cancelled, and logged as such unless the run is another by now."""
        self._patience.stop(over)

    async def run(self) -> str:
        """Live. Returns why it ended."""
        try:
            return await beside(self._upkeep(), self._live())
        except Fenced as error:
            _log.warning("agent-%d: %s", self.agent, error)
            self.fenced = True
            return self._patience.over.why if self._patience.over.disowned else FENCED
        finally:
            await self._mind.close()

    async def stand_by(self) -> str:
        """After a fence, watch the other process: "" once that one has fallen silent, or why the run is over."""
        return await StandBy(self._clock, self._patience, self.view, self._heart).watch(self._over)

    async def _live(self) -> str:
        await self._patience.until_done(self._open)
        if not self._over():
            await self._act()  # it has just looked: what is due already (a start, a turn cut off) needs no wake
        while not (over := self._over()):
            await self._round()
        if self._opened.is_set() and not self._patience.over.disowned:
            await self._heart.farewell(over)
        return over

    async def _open(self) -> None:
        self._began = await begin(self._journal, self._heart, self.view)
        self._cursor = self._began.cursor
        self._note(activity="waiting")
        await self._heart.put()
        self._opened.set()

    def _over(self) -> str:
        """Why this life is over; "" while it goes on."""
        return self._patience.over.why or self.view.control.over(self._run)

    async def _upkeep(self) -> None:
        await self._opened.wait()
        await keep_up(self._clock, self._mailbox, self._heart)

    async def _round(self) -> None:
        """Hear or look; then judge and act."""
        heard = await self._hear()
        looks = self._clock.monotonic() >= self._lookout.looks_at()
        if looks:
            await self._patience.until_done(self._look)
        if not self._over() and (heard or looks or not self._at_rest):
            await self._act()

    async def _act(self) -> None:
        """Judge what is known by now, and act."""
        self._at_rest = False
        if not self.view.control.acting:
            await self._rest("paused", self.view.control.reason)
            return
        await self._patience.until_done(lambda: self.view.reach_back(self._cursor))
        if self._over():
            return  # perhaps before it was known: then the cursor must not pass it
        verdict = self._judge()
        if not verdict.due:
            await self._gate()
        elif why := self._brakes.refusal(self.counters):
            await self._rest("parked", why)
        else:
            await self._when_ready(verdict)

    async def _hear(self) -> bool:
        """Wait for messages until something is due, and read what they name. Returns whether there were any."""
        looks_at, held_until = self._lookout.looks_at(), self._brakes.until
        wait = (looks_at if held_until is None else min(looks_at, held_until)) - self._clock.monotonic()
        coalesce = self.view.config.coalesceMilliseconds / 1000
        try:
            arrivals = await self._patience.unless_stopped(self._mailbox.listen(wait, coalesce))
        except (NotFound, Unavailable) as error:
            await self._patience.after_silence(error, wait)
            return False
        if not arrivals:
            return False
        found = arrivals
        self._receipts.arrived(found)
        await self._patience.until_done(lambda: self._read(found))
        return True

    async def _read(self, arrivals: Arrivals) -> None:
        """Throw away what is known for no news, and see what the rest tells of. Done again as a whole if the cloud does not answer."""
        await self._mailbox.discard(arrivals.stale)
        await self.view.read({held.change.key: held.change.etag for held in arrivals.fresh})

    async def _look(self) -> None:
        """See everything that this agent reads, and its own log too if another process may yet have appended there, late."""
        last = self._journal.last if self._began.restarted and await self._journal.refresh() else None
        if last is not None and not last.failed:
            self._cursor = self._cursor.advanced(last.seen, last.seen_documents)
        rescues = await self._lookout.look(self._cursor, told=bool(self._mailbox.held))
        self._heart.count(looks=1, rescues=rescues)

    def _judge(self) -> Verdict:
        """Ask the gate. A wake that a process before this one received, and never acknowledged, makes it a repair."""
        verdict = gate.judge(self._lookout.situation(self._cursor, unfinished=self._began.unfinished))
        repair = self._began.restarted and self._mailbox.came_back(self._born)
        return replace(verdict, cause="repair") if repair and verdict.cause in ("neighbour", "direction") else verdict

    async def _gate(self) -> None:
        """Nothing is due: move past what is no news, acknowledge, go on listening."""
        self._at_rest = True
        self._cursor = self._cursor.advanced(self.view.newest(), {})
        self._receipts.gated()
        self._forget()
        self._note(activity="waiting")
        if (self._heart.shown != "waiting" or self._heart.behind) and not await self._heart.put():
            return  # what a line does not say, the state document must, before the messages go
        await self._receipts.settle("gated")

    async def _rest(self, activity: Activity, why: str) -> None:
        """Paused or parked: acknowledge, keep what is due for later (the cursor has not moved)."""
        self._brakes.release()
        changed = (self._heart.state.activity, self._heart.state.detail) != (activity, why)
        self._note(activity=activity, detail=why)
        if changed:
            await self._heart.put()
        await self._receipts.settle("gated")

    async def _when_ready(self, verdict: Verdict) -> None:
        """A turn is due: take it, or wait (listening) until pacing allows it."""
        if not (seconds := self._brakes.hold(verdict.cause)):
            await self._take(verdict)
            return
        until = timestamp(self._clock.now() + timedelta(seconds=seconds))
        if not self._brakes.backing_off:
            self._note(activity="pacing", until=until)
        elif self._heart.state.activity != "backing-off":
            self._note(activity="backing-off", until=until, detail=self._heart.state.detail)
            await self._heart.put()

    async def _take(self, verdict: Verdict) -> None:
        """Say that a turn begins; take it, which ends with the append; then acknowledge what it was due for."""
        trace = self._mailbox.event_id() or f"{self._random.getrandbits(64):016x}"
        current = CurrentTurn(
            iteration=self._journal.next_iteration,
            cause=verdict.cause,
            since=timestamp(self._clock.now()),
            woken_by=verdict.woken_by,
        )
        self._note(activity="turn", turn=current)
        self._heart.count(turns=1)  # before the call: a turn that a crash cuts off has been spent all the same
        _log.debug("agent-%d: turn %d, %s", self.agent, current.iteration, verdict.cause)
        self._lookout.turn_begins()
        observed = await self._begin(verdict)
        if observed is None:
            self._heart.count(turns=-1)
            self._note(activity="waiting")
            self._brakes.hold_for(self._random.uniform(*AGAIN_SECONDS))
            return
        done = await self._turn.carry_out(verdict, observed, self._patience, trace)
        self._account(done)
        if await self._heart.put() or done.appended:
            await self._receipts.settle("turn", done.entry.iteration)

    async def _begin(self, verdict: Verdict) -> Observed | None:
        """See everything afresh, and say that a turn begins. None if the store does not answer: what cannot be counted is not done."""
        told, observed = await asyncio.gather(self._heart.put(), self._observe(verdict))
        return observed if told else None

    async def _observe(self, verdict: Verdict) -> Observed | None:
        try:
            return await self._turn.observe(verdict, self._cursor)
        except Unavailable as error:
            _log.warning("agent-%d: the turn cannot begin: %s", self.agent, error)
            return None

    def _account(self, done: Done) -> None:
        """What the turn came to, on every book but the log."""
        entry = done.entry
        self._lookout.turn_ended()
        self._heart.turned(entry)
        self._began = replace(self._began, unfinished=False)
        self._forget()
        self._brakes.turn_ended(entry, done.outcome)
        if not entry.failed:
            self._cursor = done.cursor
        self._note(activity="waiting", detail=entry.result if entry.failed else "")

    def _forget(self) -> None:
        self._brakes.release()
        self._lookout.sighting = NOTHING

    def _note(self, **changes: object) -> None:
        self._heart.note(
            **{"detail": "", "until": "", "turn": None, **changes},
            runner=self.view.config.runner,
            iteration=self._journal.next_iteration - 1,
            seen=self._cursor.seen,
            seen_documents=self._cursor.documents,
        )
