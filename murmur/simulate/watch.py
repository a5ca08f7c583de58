"""Eyes on a running world: what must hold at every moment, not only at the end.

Here: no turn for nothing (I1), and settled means settled (I6). What must come within a time is told in bounds.py, and that messages are
deleted last of all in deletions.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from murmur.memory.fabric import MemoryFabric
from murmur.simulate.bounds import REPLACED_SECONDS, Bounds
from murmur.simulate.hosts import Life, RoughFleet
from murmur.simulate.profile import STALE_SECONDS
from murmur.simulate.trouble import TurnTaken
from murmur.simulate.truth import Truth
from murmur.simulate.weather import Weather

_OPERATORS: Final = ("direction", "directive", "config", "resume")
STALE_TURN_SECONDS: Final = 60.0
"""A turn this soon after a stale listing may be due to what that showed."""


class Watch:
    """Watches the flock for I1 (no turn for nothing) and I6 (settled). ``breach`` takes an invariant and what went against it."""

    def __init__(
        self,
        *,
        truth: Truth,
        weather: Weather,
        turns: Sequence[TurnTaken],
        fleet: RoughFleet,
        fabric: MemoryFabric,
        breach: Callable[[str, str], None],
    ) -> None:
        self._fleet = fleet
        self._fabric = fabric
        self._truth = truth
        self._lives = fleet.lives
        self._bounds = Bounds(truth, fleet.lives, weather, breach)
        self._breach = breach
        self._weather = weather
        self._turns = turns
        self._owed: list[str] = []
        """What was owed at the two newest moments of truth."""
        self._looked_at = 0.0
        self._meddled_at = -1.0
        self.meddling = 0
        """How many acts of the operator are under way."""
        self._repairs: Counter[tuple[str, int]] = Counter()
        self.settled_at: float | None = None
        self._settled_turns = 0
        self._parked: frozenset[int] = frozenset()
        """Who was parked as the flock settled: it may yet hear of what the operator changed before, which frees it."""
        self._quiet_checks = 0
        self._arrived = 0
        """Messages that ever arrived in a queue: what a check finds there may be gone when it ends."""

    def on_control(self) -> None:
        """control.json was just written."""
        state = self._truth.control().state
        if state != "settled":
            self.settled_at = None
            return
        owed = self._owed if self._weather.profile.stale_listing else self._owed[-1:]
        if owed and all(owed):
            self._breach("I6", f"declared settled although {owed[-1]}")
        if not self.meddling and self._meddled_at < self._looked_at:
            self.settled_at = self._weather.clock.monotonic()
            self._settled_turns = len(self._turns)
            self._parked = self._truth.parked()

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

    def output_written(self, writer: str) -> None:
        """A file was written. By a process that was replaced: then it is news from outside, which nobody could wait for before settling."""
        life = next((life for life in self._lives if life.name == writer), None)
        if life is not None and self._truth.told(life.run, life.agent).put_by not in ("", life.name):
            self.check_quiet()
            self.settled_at = None

    def check_quiet(self) -> None:
        """No turn since the flock was settled."""
        if self.settled_at is None or len(self._turns) <= self._settled_turns:
            return
        new = [turn for turn in self._turns[self._settled_turns :] if turn.life.agent not in self._parked]
        self._settled_turns = len(self._turns)
        if new and not any(turn.began - turn.life.store.stale_at < STALE_TURN_SECONDS for turn in new):
            self._breach("I1", f"{len(new)} turns after settling, the first by {new[0].life.name}")

    def reachable(self) -> list[Life]:
        """Lives that the flock counts on."""
        return [life for life in self._lives if not life.process.dead and self._fleet.known(life.process)]

    def lost(self) -> frozenset[int]:
        """Agents that no host runs any more, nor will."""
        roster = self._truth.roster()
        if roster is None:
            return frozenset()
        return frozenset(agent for name in self._fleet.given_up(roster) for agent in roster.hosts[name])

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
            self._breach("I6", f"still running after {self._quiet_checks} checks although nothing is owed")

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
                self._breach("I5", f"{life.name} begins a turn although {told.put_by} took its place long ago")
            return
        if now - life.store.stale_at < STALE_TURN_SECONDS or current.iteration < len(told.lines):
            return  # a turn for a line that somebody else has written is in vain, but it was due when it began
        near = [other for other in range(roster.size) if other != life.agent]
        if not config.ranked:  # whom a swarm member reads may change between its look and now
            near = list(self._truth.neighbours(life.agent, roster, config))
        if self._truth.owed_to(life.agent, control, config, near):
            return
        if current.cause in _OPERATORS and now - self._meddled_at < config.loopIntervalSeconds:
            return  # what the operator took back while the turn began was there when it became due
        place = (life.run, life.agent)
        self._repairs[place] += 1
        if current.cause != "repair" or self._repairs[place] > told.cut_off:
            self._breach("I1", f"{life.name} takes a turn ({current.cause}) for nothing")

    def look(self) -> None:
        """One look at everybody."""
        self._looked_at = self._weather.clock.monotonic()
        self._owed = [*self._owed[-1:], self._truth.owed(self.reachable(), self.lost())]
        self.check_quiet()
        self._bounds.look()
