"""The life of one agent: wait for a wake, the interval or the stop; gate; turn; append; acknowledge.

The queue only says that it is worth looking. What makes a turn due is the difference between what the agent sees (View) and what
it has taken into account (Cursor), so a message that is lost, late, doubled or out of order changes when, never what.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

from agent.beginning import Beginning, begin
from agent.heart import Heart
from agent.journal import ROLLING, Journal, Rolling
from agent.lease import Over
from agent.limits import FAILURES_TO_PARK, Halt, Pace, looping, spent
from agent.lookout import NOTHING, Lookout
from agent.mailbox import Arrivals, Mailbox
from agent.patience import Patience
from agent.ports import Mind
from agent.reader import SharedReader
from agent.receipts import Receipts
from agent.standby import StandBy
from agent.turn import Done, Observed, Turn
from agent.view import View
from agent.vitals import SILENT, Vitals
from murmur import gate, keys
from murmur.cursor import Cursor
from murmur.entry import moment, timestamp
from murmur.errors import Fenced, NotFound, Unavailable
from murmur.gate import Verdict
from murmur.ports import Clock, Inbox, Store
from murmur.state import Activity, AgentState, Counters, CurrentTurn

UPKEEP_SECONDS: Final = 20.0
FENCED: Final = "fenced"
ASKED: Final = Over("stopped")
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
        self._store = store
        self._patience = Patience(clock, random, f"agent-{agent}")
        self._view = View(store, reader, agent, size, run)
        self._journal = Journal(store, clock, agent, run, rolling)
        self._heart = Heart(store, clock, AgentState(agent=agent, run=run, host=host, scripted=mind.scripted), vitals)
        self._vitals = vitals
        self._mailbox = Mailbox(inbox, clock, self._wanted)
        self._receipts = Receipts(self._heart, self._mailbox)
        self._lookout = Lookout(store, clock, self._view, self._journal)
        self._turn = Turn(agent, size, store, clock, random, self._view, self._journal, mind)
        self._pace = Pace(agent, size, random)
        self._halt = Halt()
        self._began = Beginning()
        self._opened = asyncio.Event()
        self._born = clock.now()
        self._cursor = Cursor()
        self._due_at = 0.0
        self._pending_until: float | None = None
        """When the turn that is due may begin; None when none is due."""
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

    def neighbours(self) -> tuple[int, ...]:
        """Whom it reads, as far as it knows."""
        return self._view.neighbours

    def known(self) -> dict[int, int]:
        """Newest iteration it has read of every log."""
        return self._view.known()

    def stop(self, over: Over = ASKED) -> None:
        """Ask the loop to end. A turn under way is cancelled, and logged as such unless the run is another by now."""
        self._patience.stop(over)

    # -- a life -----------------------------------------------------------------------------------------------------

    async def run(self) -> str:
        """Live. Returns why it ended."""
        living = asyncio.ensure_future(self._live())
        upkeep = asyncio.ensure_future(self._upkeep())
        try:
            await asyncio.wait({living, upkeep}, return_when=asyncio.FIRST_COMPLETED)
            if upkeep.done():  # only a fence, or a fault, ends it: then the turn under way is in vain
                living.cancel()
                await asyncio.wait({living})
                await upkeep
            return await living
        except Fenced as error:
            _log.warning("agent-%d: %s", self.agent, error)
            self.fenced = True
            return self._patience.over.why if self._patience.over.disowned else FENCED
        finally:
            living.cancel()
            upkeep.cancel()
            await self._mind.close()

    async def stand_by(self) -> str:
        """After a fence, watch the other process: "" once that one has fallen silent, or why the run is over."""
        return await StandBy(self._clock, self._patience, self._view, self._heart).watch(self._over)

    async def _live(self) -> str:
        await self._patience.until_done(self._open)
        while not (over := self._over()):
            await self._round()
        if self._opened.is_set() and not self._patience.over.disowned:
            await self._farewell(over)
        return over

    async def _farewell(self, over: str) -> None:
        self._heart.note(activity="stopped", turn=None, until="", detail=over)
        try:
            await self._heart.put()
        except Fenced as error:
            _log.warning("agent-%d: %s", self.agent, error)

    async def _open(self) -> None:
        self._began = await begin(self._journal, self._heart, self._view)
        self._cursor = self._began.cursor
        self._note(activity="waiting")
        await self._heart.put()
        self._opened.set()

    def _over(self) -> str:
        control = self._view.control
        if self._patience.stopping.is_set():
            return self._patience.over.why
        if control.run != self._run:
            return f"run {self._run} is over"
        return "" if control.alive else f"the flock is {control.state}"

    async def _upkeep(self) -> None:
        """Keep held messages from coming back, and the heartbeat from growing old. Raises Fenced."""
        await self._opened.wait()
        while True:
            await self._clock.sleep(UPKEEP_SECONDS)
            try:
                await self._mailbox.keep()
            except (Unavailable, NotFound) as error:
                _log.warning("agent-%d: wakes not extended: %s", self.agent, error)
            await self._heart.beat()

    # -- one round --------------------------------------------------------------------------------------------------

    async def _round(self) -> None:
        """Hear or look, judge, act."""
        heard = await self._hear()
        looks = self._clock.monotonic() >= self._lookout.looks_at()
        if looks:
            await self._patience.until_done(self._look)
        if self._over() or (self._at_rest and not heard and not looks):
            return
        self._at_rest = False
        if not self._view.control.acting:
            await self._rest("paused", self._view.control.reason)
            return
        verdict = self._judge()
        if not verdict.due:
            await self._gate()
        elif why := self._may_not():
            await self._rest("parked", why)
        else:
            await self._when_ready(verdict)

    async def _hear(self) -> bool:
        """Wait for messages until something is due, and read what they name. Returns whether there were any."""
        until = (
            self._lookout.looks_at()
            if self._pending_until is None
            else min(self._lookout.looks_at(), self._pending_until)
        )
        wait = until - self._clock.monotonic()
        coalesce = self._view.config.coalesceMilliseconds / 1000
        try:
            arrivals = await self._patience.unless_stopped(self._mailbox.listen(wait, coalesce))
        except (NotFound, Unavailable) as error:
            await self._patience.after_silence(error, wait)
            return False
        if not arrivals:
            return False
        found = arrivals
        await self._patience.until_done(lambda: self._read(found))
        return True

    async def _read(self, arrivals: Arrivals) -> None:
        await self._receipts.arrived(arrivals)
        await self._view.read({held.change.key: held.change.etag for held in arrivals.fresh})

    async def _look(self) -> None:
        last = self._journal.last if self._began.restarted and await self._journal.refresh() else None
        if last is not None and not last.failed:
            self._cursor = self._cursor.advanced(last.seen, last.seen_documents)
        rescues = await self._lookout.look(self._cursor, told=bool(self._mailbox.held))
        self._heart.count(looks=1, rescues=rescues)

    def _judge(self) -> Verdict:
        verdict = gate.judge(self._lookout.situation(self._cursor, unfinished=self._began.unfinished))
        came_back = self._began.restarted and any(
            held.message.receives > 1 and held.message.sent < self._born for held in self._mailbox.held
        )
        return (
            replace(verdict, cause="repair") if came_back and verdict.cause in ("neighbour", "direction") else verdict
        )

    # -- the three ways a round ends --------------------------------------------------------------------------------

    async def _gate(self) -> None:
        """Nothing is due: move past what is no news, acknowledge, go on listening."""
        self._at_rest = True
        self._cursor = self._cursor.advanced(self._view.newest(), {})
        self._receipts.gated()
        self._forget()
        self._note(activity="waiting")
        if (self._heart.shown != "waiting" or self._heart.behind) and not await self._heart.put():
            return  # what a line does not say, the state document must, before the messages go
        await self._receipts.settle("gated")

    async def _rest(self, activity: Activity, why: str) -> None:
        """Paused or parked: acknowledge, keep what is due for later (the cursor has not moved)."""
        self._pending_until = None
        changed = (self._heart.state.activity, self._heart.state.detail) != (activity, why)
        self._note(activity=activity, detail=why)
        if changed:
            await self._heart.put()
        await self._receipts.settle("gated")

    async def _when_ready(self, verdict: Verdict) -> None:
        """A turn is due: take it, or wait (listening) until pacing allows it."""
        now = self._clock.monotonic()
        if self._pending_until is None:
            self._due_at = now
        ready = self._pace.ready_at(self._view.config, verdict.cause, self._due_at)
        if ready > now:
            self._pending_until = ready
            backing_off = self._pace.backing_off_until >= ready
            until = timestamp(self._clock.now() + timedelta(seconds=ready - now))
            if backing_off and self._heart.state.activity != "backing-off":
                self._note(activity="backing-off", until=until, detail=self._heart.state.detail)
                await self._heart.put()
            elif not backing_off:
                self._note(activity="pacing", until=until)
            return
        await self._take(verdict)

    async def _take(self, verdict: Verdict) -> None:
        trace = next((h.change.event_id for h in self._mailbox.held), "") or f"{self._random.getrandbits(64):016x}"
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
        seen = await self._begin(verdict)
        if seen is None:
            self._heart.count(turns=-1)
            self._note(activity="waiting")
            self._pending_until = self._clock.monotonic() + self._random.uniform(1.0, 3.0)
            return
        done = await self._turn.carry_out(verdict, seen, self._patience, trace)
        self._after(done)
        if await self._heart.put() or done.appended:
            await self._receipts.settle("turn", done.entry.iteration)

    async def _begin(self, verdict: Verdict) -> Observed | None:
        """See everything afresh, and say that a turn begins. None if the store does not answer: what cannot be counted is not done."""
        told, seen = await asyncio.gather(self._heart.put(), self._observe(verdict))
        return seen if told else None

    async def _observe(self, verdict: Verdict) -> Observed | None:
        try:
            return await self._turn.observe(verdict, self._cursor)
        except Unavailable as error:
            _log.warning("agent-%d: the turn cannot begin: %s", self.agent, error)
            return None

    def _after(self, done: Done) -> None:
        now = self._clock.monotonic()
        self._lookout.turn_ended()
        self._vitals.turned(self.agent, done.entry)
        usage = done.entry.usage
        self._heart.count(
            failed_turns=done.entry.failed,
            tokens=usage.input_tokens + usage.output_tokens if usage else 0,
            cost=usage.cost if usage else 0.0,
        )
        self._began = replace(self._began, unfinished=False)
        self._forget()
        if done.entry.failed:
            self._pace.failed(now, done.outcome, self._view.config)
            if done.outcome.fatal or self._pace.failures >= FAILURES_TO_PARK:
                why = f"{self._pace.failures} failed turns in a row, the last: {done.entry.result}"
                self._halt.call(why, self._versions())
        else:
            self._pace.succeeded(now)
            self._cursor = done.cursor
            if why := looping(self._view.config, self._journal.repeats, done.entry.action):
                self._halt.call(why, self._versions())
        self._note(activity="waiting", detail=done.entry.result if done.entry.failed else "")

    # -- small parts ------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._pending_until = None
        self._lookout.seen = NOTHING

    def _may_not(self) -> str:
        """Why no turn may be taken although one is due; "" if it may. What the operator changes lifts a halt."""
        versions = self._versions()
        if self._halt.lifted(versions):
            self._pace.forgive()
            self._journal.forgive_repeats()
        started = moment(self._view.control.started)
        seconds = (self._clock.now() - started).total_seconds() if started else 0.0
        return self._halt.why(versions) or spent(self._view.config, self._heart.state.counters, seconds)

    def _versions(self) -> tuple[str, ...]:
        return (*self._view.documents().values(), self._view.config.model_dump_json())

    def _wanted(self, key: str) -> bool:
        other = keys.agent_of_log(key)
        if other is not None:
            return other != self.agent and (self._view.config.algorithm == "swarm" or other in self._view.neighbours)
        return key in (keys.DIRECTION, keys.CONFIG, keys.CONTROL, keys.directive(self.agent))

    def _note(self, **changes: object) -> None:
        self._heart.note(
            **{"detail": "", "until": "", "turn": None, **changes},
            runner=self._view.config.runner,
            iteration=self._journal.next_iteration - 1,
            seen=self._cursor.seen,
            seen_documents=self._cursor.documents,
        )
