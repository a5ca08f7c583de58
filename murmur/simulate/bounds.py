"""Eyes on a running world: what must come within a time. News is seen (I2), and a process that was replaced, or is over, ends (I5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from agent.heart import HEARTBEAT_SECONDS
from agent.lease import WATCH_SECONDS
from agent.patience import LONGEST_SECONDS
from agent.upkeep import UPKEEP_SECONDS
from murmur.simulate.hosts import Life
from murmur.simulate.truth import Truth
from murmur.simulate.weather import Weather

OUTAGE_SLACK_SECONDS: Final = LONGEST_SECONDS + 15.0
"""What a bound allows beyond itself in rough weather: a look is repeated, ever more slowly, while the store does not answer."""
CALM_SLACK_SECONDS: Final = 4.0
"""What a bound allows in calm weather: eyes look every 2.5 s, and a look of an agent takes requests."""
REPLACED_SECONDS: Final = HEARTBEAT_SECONDS + UPKEEP_SECONDS
"""A process that was replaced is told by its next heartbeat."""


class Bounds:
    """Keeps the time of what is owed. ``breach`` takes an invariant and what went against it."""

    def __init__(
        self, truth: Truth, lives: Sequence[Life], weather: Weather, breach: Callable[[str, str], None]
    ) -> None:
        self._truth = truth
        self._lives = lives
        self._weather = weather
        self._breach = breach
        self._unseen_since: dict[tuple[str, int], tuple[int, float]] = {}
        """By life and neighbour: the oldest news that it has not seen, and since when that stands there."""
        self._in_vain_since: dict[Life, float] = {}

    def look(self) -> None:
        """One look at everybody."""
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
            known = life.loop.view.known() if life.loop else {}
            for other in self._truth.neighbours(life.agent, roster, config):
                place = (life.name, other)
                unseen = self._truth.told(life.run, other).news_beyond(known.get(other, -1))
                before = self._unseen_since.get(place)
                if unseen < 0 or before is None or before[0] != unseen:
                    self._unseen_since[place] = (unseen, now)
                elif now - before[1] > config.loopIntervalSeconds + self._slack(before[1]):
                    self._breach(
                        "I2",
                        f"{life.name} has not seen iteration {unseen} of agent-{other} for {now - before[1]:.0f} s",
                    )
                    self._unseen_since[place] = (unseen, now + 1e9)

    def _check_in_vain(self, life: Life) -> None:
        """A process whose run is over, or whose place another one has taken, does not think on."""
        now, control = self._weather.clock.monotonic(), self._truth.control()
        told = self._truth.told(life.run, life.agent)
        over = control.run != life.run or not control.alive
        replaced = told.put_by not in ("", life.name)
        if not (over or replaced) or self._weather.stills(life.process) or life not in self._in_vain_since:
            self._in_vain_since[life] = now
        since = self._in_vain_since[life]
        limit = (WATCH_SECONDS if over else REPLACED_SECONDS) + self._slack(since)
        if now - since > limit:
            why = "its run is over" if over else f"{told.put_by} took its place"
            self._breach("I5", f"{life.name} thinks on for {now - since:.0f} s after {why}")
            self._in_vain_since[life] = now + 1e9

    def _slack(self, since: float) -> float:
        return CALM_SLACK_SECONDS if since > self._weather.cleared_at + OUTAGE_SLACK_SECONDS else OUTAGE_SLACK_SECONDS

    def _listens(self, life: Life, run: str) -> bool:
        fenced = life.loop is None or life.loop.fenced
        if life.run != run or life.ended or self._weather.stills(life.process) or life.turning or fenced:
            for place in [place for place in self._unseen_since if place[0] == life.name]:
                del self._unseen_since[place]
            return False
        return True
