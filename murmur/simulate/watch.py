"""Eyes on a running world: what must hold at every moment, not only at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from murmur import keys
from murmur.change import order, parse_change
from murmur.entry import LogEntry
from murmur.memory.inbox import MemoryInbox
from murmur.ports import Message
from murmur.simulate.hosts import Life
from murmur.simulate.record import RecordingStore
from murmur.simulate.trouble import TurnTaken
from murmur.simulate.truth import Truth
from murmur.simulate.weather import Process, Weather

SLACK_SECONDS: Final = 45.0
"""What I2 allows beyond the interval: a look is repeated, ever more slowly, while the store does not answer."""
CALM_SLACK_SECONDS: Final = 5.0
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
        known: Callable[[Process], bool],
    ) -> None:
        """``known``: whether the fleet still sees a process; what a lost one does, nobody waits for."""
        self._known = known
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
        self.settled_at: float | None = None
        self._settled_turns = 0

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

    def check_quiet(self) -> None:
        """No turn since the flock was settled."""
        if self.settled_at is None or len(self._turns) <= self._settled_turns:
            return
        new = [turn for turn in self._turns[self._settled_turns :] if self._newest(turn.life)]
        self._settled_turns = len(self._turns)
        if new and not any(turn.began - turn.life.store.stale_at < STALE_TURN_SECONDS for turn in new):
            self.breach("I1", f"{len(new)} turns after settling, the first by {new[0].life.name}")

    def reachable(self) -> list[Life]:
        """Lives that the flock counts on."""
        return [life for life in self._lives if not life.process.dead and self._known(life.process)]

    # -- I1: no turn for nothing --------------------------------------------------------------------------------------

    def turn_begins(self, life: Life) -> None:
        """A mind is about to be asked: something must be owed to the agent, unless the turn makes up for one cut off."""
        current = life.loop.state.turn if life.loop else None
        control, config, roster = self._truth.control(), self._truth.config(), self._truth.roster()
        swarm, newest = config.algorithm == "swarm", self._newest(life)
        stale = self._weather.clock.monotonic() - life.store.stale_at < STALE_TURN_SECONDS
        if roster is None or control.run != life.run or not newest or swarm or stale:
            return
        if current is None or current.cause == "repair" or current.iteration < len(self._truth.log(life.agent)):
            return  # a turn for a line that somebody else has written is in vain, but it was due when it began
        if not self._truth.owed_to(life.agent, control, config, roster):
            self.breach("I1", f"{life.name} takes a turn ({current.cause}) for nothing")

    def _newest(self, life: Life) -> bool:
        return [other for other in self._lives if (other.run, other.agent) == (life.run, life.agent)][-1] is life

    # -- I2: seen within an interval ----------------------------------------------------------------------------------

    def look(self) -> None:
        """One look at everybody."""
        self._looked_at = self._weather.clock.monotonic()
        self._owed = [*self._owed[-1:], self._truth.owed(self.reachable())]
        self.check_quiet()
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
                unseen = self._truth.oldest_news(other, known.get(other, -1))
                before = self._unseen_since.get(place)
                if unseen < 0 or before is None or before[0] != unseen:
                    self._unseen_since[place] = (unseen, now)
                elif now - before[1] > config.loopIntervalSeconds + self._slack(before[1]):
                    self.breach(
                        "I2",
                        f"{life.name} has not seen iteration {unseen} of agent-{other} for {now - before[1]:.0f} s",
                    )
                    self._unseen_since[place] = (unseen, now + 1e9)

    def _slack(self, since: float) -> float:
        return CALM_SLACK_SECONDS if since > self._weather.cleared_at + SLACK_SECONDS else SLACK_SECONDS

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
        if self._truth.control().run != life.run or life.ended or not self._newest(life):
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
            told = self._version(change.key, change.etag)
            unseen = [
                e for e in told if e.is_news and e.iteration > self._truth.cursor(life.agent, life.run).past(other)
            ]
            if not unseen or self._waits(inbox, receipts, change.key, change.sequencer):
                continue
            written = self._written_at(change.key, change.etag)
            if not self._own_append_since(life, written):
                self.breach(
                    "I2",
                    f"{life.name} deleted the message of agent-{other} iteration {unseen[0].iteration} before accounting for it",
                )

    def _version(self, key: str, etag: str) -> tuple[LogEntry, ...]:
        agent = keys.agent_of_log(key)
        return self._truth.log(agent) if agent is not None and self._store.etag(key) == etag else ()

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
