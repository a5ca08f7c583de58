"""Eyes on a running world: what must hold at every moment, not only at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from agent.heart import HEARTBEAT_SECONDS
from agent.lease import WATCH_SECONDS
from agent.loop import UPKEEP_SECONDS
from agent.patience import LONGEST_SECONDS
from murmur import keys
from murmur.change import order, parse_change
from murmur.memory.fabric import MemoryFabric
from murmur.memory.inbox import MemoryInbox
from murmur.ports import Message
from murmur.simulate.hosts import Life, RoughFleet
from murmur.simulate.profile import STALE_SECONDS
from murmur.simulate.record import RecordingStore
from murmur.simulate.trouble import TurnTaken
from murmur.simulate.truth import Truth
from murmur.simulate.weather import Weather

OUTAGE_SECONDS: Final = LONGEST_SECONDS + 15.0
"""What a bound allows beyond itself in rough weather: a look is repeated, ever more slowly, while the store does not answer."""
LOOK_SECONDS: Final = 4.0
"""What a bound allows in calm weather: eyes look every 2.5 s, and a look of an agent takes requests."""
REPLACED_SECONDS: Final = HEARTBEAT_SECONDS + UPKEEP_SECONDS
"""A process that was replaced is told by its next heartbeat."""
_OPERATORS: Final = ("direction", "directive", "config", "resume")
STALE_TURN_SECONDS: Final = 60.0
"""A turn this soon after a stale listing may be due to what that showed."""


class Watch:
    """Collects breaches of I2 (seen within an interval), I6 (settled) and of the order append, then delete."""

    def __init__(
        self,
        *,
        store: RecordingStore,
        truth: Truth,
        lives: Sequence[Life],
        weather: Weather,
        turns: Sequence[TurnTaken],
        fleet: RoughFleet,
        fabric: MemoryFabric,
    ) -> None:
        self._fleet = fleet
        self._fabric = fabric
        self._store = store
        self._truth = truth
        self._lives = lives
        self._weather = weather
        self._turns = turns
        self.breaches: list[str] = []
        self._owed: list[str] = []
        """What was owed at the two newest moments of truth."""
        self._deleted: dict[tuple[str, int, str], int] = {}
        """Newest version of each key whose message an agent has deleted: what comes later of an older one is nothing new."""
        self._looked_at = 0.0
        self._meddled_at = -1.0
        self.meddling = 0
        """How many acts of the operator are under way."""
        self._unseen_since: dict[tuple[str, int], tuple[int, float]] = {}
        self._in_vain_since: dict[Life, float] = {}
        self._repairs: Counter[tuple[str, int]] = Counter()
        self.settled_at: float | None = None
        self._settled_turns = 0
        self._quiet_checks = 0
        self._arrived = 0
        """Messages that ever arrived in a queue: what a check finds there may be gone when it ends."""

    def breach(self, invariant: str, what: str) -> None:
        """Write down what went against an invariant."""
        self.breaches.append(f"{invariant} at {self._weather.clock.monotonic():.1f} s: {what}")

    # -- I6: settled means settled ------------------------------------------------------------------------------------

    def on_control(self) -> None:
        """control.json was just written."""
        state = self._truth.control().state
        if state != "settled":
            self.settled_at = None
            return
        owed = self._owed if self._weather.profile.stale_listing else self._owed[-1:]
        if owed and all(owed):
            self.breach("I6", f"declared settled although {owed[-1]}")
        if not self.meddling and self._meddled_at < self._looked_at:
            self.settled_at = self._weather.clock.monotonic()
            self._settled_turns = len(self._turns)

    @contextmanager
    def operator_acts(self) -> Iterator[None]:
        """The operator changes something: turns are due again, settled or not."""
        self.check_quiet()
        self.meddling += 1
        self.settled_at = None
        try:
            yield
        finally:
            self.meddling -= 1
            self._meddled_at = self._weather.clock.monotonic()
            self.settled_at = None

    def operator_wrote(self) -> None:
        """A write of the operator landed, maybe long after it was given up."""
        self.check_quiet()
        self._meddled_at = self._weather.clock.monotonic()
        self.settled_at = None

    def check_quiet(self) -> None:
        """No turn since the flock was settled."""
        if self.settled_at is None or len(self._turns) <= self._settled_turns:
            return
        new = self._turns[self._settled_turns :]
        self._settled_turns = len(self._turns)
        if not any(turn.began - turn.life.store.stale_at < STALE_TURN_SECONDS for turn in new):
            self.breach("I1", f"{len(new)} turns after settling, the first by {new[0].life.name}")

    def reachable(self) -> list[Life]:
        """Lives that the flock counts on."""
        return [life for life in self._lives if not life.process.dead and self._fleet.known(life.process)]

    def lost(self) -> frozenset[int]:
        """Agents that no host runs any more, nor will."""
        roster = self._truth.roster()
        if roster is None:
            return frozenset()
        return frozenset(agent for name in self._fleet.given_up(roster) for agent in roster.hosts[name])

    # -- I6: declared within two checks -------------------------------------------------------------------------------

    def quiet(self) -> str:
        """Why a check now should not find the flock settled; "" if it should."""
        control, roster = self._truth.control(), self._truth.roster()
        if control.state != "running" or roster is None or self.meddling:
            return control.state
        lost = self.lost()
        if owed := self._truth.owed(self.reachable(), lost):
            return owed
        for agent in range(roster.size):
            told = self._truth.told(control.run, agent)
            if agent in lost or told.parked:
                continue
            if told.in_turn or self._fabric.inbox(control.run, agent).contents():
                return f"agent-{agent} has messages, or its state document says that it is in a turn"
            for other in self._truth.neighbours(agent, roster, self._truth.config()):
                if told.seen.get(other, -1) < self._truth.told(control.run, other).rolled:
                    return f"agent-{other} rolled its log further than agent-{agent} has said that it has seen"
        return ""

    def ticked(self, before: str, *, through: bool) -> None:
        """A check of the lifecycle ended. Two in a row that found the flock quiet from beginning to end must declare it settled."""
        after = self.quiet()
        arrived, self._arrived = self._arrived, self._fabric.requests["SendMessage"]
        calm = self._weather.clock.monotonic() > self._weather.cleared_at + STALE_SECONDS
        if before or not calm or not through or after not in ("", "settled") or arrived != self._arrived:
            self._quiet_checks = 0
            return
        self._quiet_checks += 1
        if self._quiet_checks >= 2 and not after:
            self.breach("I6", f"still running after {self._quiet_checks} checks although nothing is owed")

    # -- I1: no turn for nothing --------------------------------------------------------------------------------------

    def turn_begins(self, life: Life) -> None:
        """A mind is about to be asked: something must be owed to the agent, unless the turn makes up for one cut off."""
        control, config, roster = self._truth.control(), self._truth.config(), self._truth.roster()
        now = self._weather.clock.monotonic()
        current = life.loop.state.turn if life.loop else None
        if roster is None or control.run != life.run or current is None:
            return
        told = self._truth.told(life.run, life.agent)
        if told.put_by != life.name:
            if now - told.put_since > REPLACED_SECONDS:
                self.breach("I5", f"{life.name} begins a turn although {told.put_by} took its place long ago")
            return
        if now - life.store.stale_at < STALE_TURN_SECONDS or current.iteration < len(told.lines):
            return  # a turn for a line that somebody else has written is in vain, but it was due when it began
        near = [other for other in range(roster.size) if other != life.agent]
        if config.algorithm != "swarm":  # whom a swarm member reads may change between its look and now
            near = list(self._truth.neighbours(life.agent, roster, config))
        if self._truth.owed_to(life.agent, control, config, near):
            return
        if current.cause in _OPERATORS and now - self._meddled_at < config.loopIntervalSeconds:
            return  # what the operator took back while the turn began was there when it became due
        place = (life.run, life.agent)
        self._repairs[place] += 1
        if current.cause != "repair" or self._repairs[place] > told.cut_off:
            self.breach("I1", f"{life.name} takes a turn ({current.cause}) for nothing")

    # -- I2: seen within an interval ----------------------------------------------------------------------------------

    def look(self) -> None:
        """One look at everybody."""
        self._looked_at = self._weather.clock.monotonic()
        self._owed = [*self._owed[-1:], self._truth.owed(self.reachable(), self.lost())]
        self.check_quiet()
        for life in self._lives:
            if life.turning:
                self._check_in_vain(life)
        roster, control = self._truth.roster(), self._truth.control()
        if roster is None or roster.run != control.run or not control.alive or control.state == "starting":
            return
        config, now = self._truth.config(), self._weather.clock.monotonic()
        for life in self._lives:
            if not self._listens(life, control.run):
                continue
            known = life.loop.known() if life.loop else {}
            for other in self._truth.neighbours(life.agent, roster, config):
                place = (life.name, other)
                unseen = self._truth.told(life.run, other).news_beyond(known.get(other, -1))
                before = self._unseen_since.get(place)
                if unseen < 0 or before is None or before[0] != unseen:
                    self._unseen_since[place] = (unseen, now)
                elif now - before[1] > config.loopIntervalSeconds + self._slack(before[1]):
                    self.breach(
                        "I2",
                        f"{life.name} has not seen iteration {unseen} of agent-{other} for {now - before[1]:.0f} s",
                    )
                    self._unseen_since[place] = (unseen, now + 1e9)

    # -- a turn in vain ends ------------------------------------------------------------------------------------------

    def _check_in_vain(self, life: Life) -> None:
        """A process whose run is over, or whose place another one has taken, does not think on."""
        now, control = self._weather.clock.monotonic(), self._truth.control()
        told = self._truth.told(life.run, life.agent)
        over = control.run != life.run or not control.alive
        replaced = told.put_by not in ("", life.name)
        stands = life.process.dead or life.process.frozen_until > now or self._weather.outage_until > now
        if not (over or replaced) or stands or life not in self._in_vain_since:
            self._in_vain_since[life] = now
        since = self._in_vain_since[life]
        limit = (WATCH_SECONDS if over else REPLACED_SECONDS) + self._slack(since)
        if now - since > limit:
            why = "its run is over" if over else f"{told.put_by} took its place"
            self.breach("I5", f"{life.name} thinks on for {now - since:.0f} s after {why}")
            self._in_vain_since[life] = now + 1e9

    def _slack(self, since: float) -> float:
        return LOOK_SECONDS if since > self._weather.cleared_at + OUTAGE_SECONDS else OUTAGE_SECONDS

    def _listens(self, life: Life, run: str) -> bool:
        now = self._weather.clock.monotonic()
        process = life.process
        stands = process.dead or process.frozen_until > now or self._weather.outage_until > now
        fenced = life.loop is None or life.loop.fenced
        if life.run != run or life.ended or stands or life.turning or fenced:
            for place in [place for place in self._unseen_since if place[0] == life.name]:
                del self._unseen_since[place]
            return False
        return True

    # -- append, then delete ------------------------------------------------------------------------------------------

    def acknowledging(self, life: Life, inbox: MemoryInbox, messages: Sequence[Message]) -> None:
        """Messages are about to be deleted: what they told of must be accounted for by then."""
        replaced = self._truth.told(life.run, life.agent).put_by not in ("", life.name)
        if self._truth.control().run != life.run or life.ended or replaced:
            return
        resting = life.loop is not None and life.loop.state.activity in ("paused", "parked")
        near = life.loop.neighbours() if life.loop else ()
        receipts = {message.receipt for message in messages}
        for message in messages:
            change = parse_change(message.body)
            other = keys.agent_of_log(change.key)
            if other is None or other not in near:
                continue
            place = (life.run, life.agent, change.key)
            known = order(change.sequencer) <= self._deleted.get(place, -1)
            self._deleted[place] = max(order(change.sequencer), self._deleted.get(place, -1))
            if resting or known:
                continue
            if self._store.etag(change.key) != change.etag:
                continue
            seen = self._truth.told(life.run, life.agent).seen.get(other, -1)
            if self._truth.config().algorithm == "swarm":
                # Whom an agent did not read when it wrote, it owes nothing for lines that have rolled out of the log since.
                seen = max(seen, self._truth.told(life.run, other).rolled)
            unseen = self._truth.told(life.run, other).news_beyond(seen)
            if unseen < 0 or self._waits(inbox, receipts, change.key, change.sequencer):
                continue
            written = self._written_at(change.key, change.etag)
            if not self._own_append_since(life, written):
                self.breach(
                    "I2",
                    f"{life.name} deleted the message of agent-{other} iteration {unseen} before accounting for it",
                )

    def _waits(self, inbox: MemoryInbox, deleted: set[str], key: str, sequencer: str) -> bool:
        for body, receipt in inbox.contents():
            change = parse_change(body)
            if receipt not in deleted and change.key == key and order(change.sequencer) >= order(sequencer):
                return True
        return False

    def _written_at(self, key: str, etag: str) -> float:
        return (
            next((put.at for put in reversed(self._store.puts) if put.key == key and put.body is not None), 0.0)
            if etag
            else 0.0
        )

    def _own_append_since(self, life: Life, moment: float) -> bool:
        return any(put.key == keys.log(life.agent) and put.at >= moment for put in reversed(self._store.puts))
