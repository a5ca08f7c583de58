"""What is really so in a simulated world, read straight from its store and never through the code under test's own eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from murmur import keys, ring
from murmur.config import FlockConfig
from murmur.control import Control, parse_control
from murmur.cursor import Cursor, listing_version
from murmur.entry import LogEntry, parse_log
from murmur.roster import Roster
from murmur.simulate.hosts import Life
from murmur.simulate.record import RecordingStore
from murmur.state import AgentState


class Truth:
    """The world as it is now. Keeps what it has parsed."""

    def __init__(self, store: RecordingStore) -> None:
        self._store = store
        self._logs: dict[int, tuple[str, tuple[LogEntry, ...]]] = {}
        self._states: dict[int, tuple[str, AgentState | None]] = {}

    def control(self) -> Control:
        """control.json."""
        body = self._store.body(keys.CONTROL)
        return parse_control(body) if body else Control()

    def config(self) -> FlockConfig:
        """config.json."""
        body = self._store.body(keys.CONFIG)
        return FlockConfig.from_json(body) if body else FlockConfig()

    def roster(self) -> Roster | None:
        """roster.json."""
        body = self._store.body(keys.ROSTER)
        return Roster.model_validate_json(body) if body else None

    def log(self, agent: int) -> tuple[LogEntry, ...]:
        """The agent's log."""
        etag = self._store.etag(keys.log(agent))
        known = self._logs.get(agent)
        if known is None or known[0] != etag:
            known = self._logs[agent] = (etag, parse_log(self._store.body(keys.log(agent)) or b"").entries)
        return known[1]

    def state(self, agent: int, run: str) -> AgentState | None:
        """The agent's state document, if it is of this run."""
        etag = self._store.etag(keys.state(agent))
        known = self._states.get(agent)
        if known is None or known[0] != etag:
            body = self._store.body(keys.state(agent))
            known = self._states[agent] = (etag, AgentState.from_json(body) if body else None)
        return known[1] if known[1] is not None and known[1].run == run else None

    def cursor(self, agent: int, run: str) -> Cursor:
        """What the agent would still know after a power cut."""
        log = self.log(agent)
        return Cursor.restored(log[-1] if log else None, self.state(agent, run))

    def newest_news(self, agent: int, beyond: int = -1) -> int:
        """Iteration of the agent's newest entry that is news; -1 for none beyond ``beyond``."""
        return next((e.iteration for e in reversed(self.log(agent)) if e.is_news and e.iteration > beyond), -1)

    def oldest_news(self, agent: int, beyond: int) -> int:
        """Iteration of the agent's oldest news beyond ``beyond``; -1 for none."""
        return next((e.iteration for e in self.log(agent) if e.is_news and e.iteration > beyond), -1)

    def neighbours(self, agent: int, roster: Roster, config: FlockConfig) -> tuple[int, ...]:
        """Whom the agent reads."""
        if config.algorithm != "swarm":
            return ring.neighbours(config.algorithm, agent, roster.size, config.neighbourRadius)
        written = {keys.agent_of_log(i.key): i.modified.timestamp() for i in self._store.infos(keys.STORE)}
        return ring.most_recent(agent, {o: at for o, at in written.items() if o is not None}, config.swarmK)

    def owed(self, lives: Sequence[Life]) -> str:
        """Why the flock is not settled: whose turn goes on, who has not seen what. "" if it is (wake.md, I6)."""
        control, config, roster = self.control(), self.config(), self.roster()
        if roster is None or roster.run != control.run:
            return "there is no roster"
        for agent in range(roster.size):
            turning = any(life.turning and life.agent == agent for life in lives)
            state = self.state(agent, control.run)
            parked = state is not None and state.activity == "parked"
            why = "is in a turn" if turning else "" if parked else self.owed_to(agent, control, config, roster)
            if why:
                return f"agent-{agent} {why}"
        return ""

    def owed_to(self, agent: int, control: Control, config: FlockConfig, roster: Roster) -> str:
        """What makes a turn of the agent due; "" for nothing."""
        log = self.log(agent)
        if not log or log[-1].failed or log[-1].state != "idle":
            return "is working"
        cursor = self.cursor(agent, control.run)
        for other in self.neighbours(agent, roster, config):
            if self.newest_news(other) > cursor.past(other):
                return f"has not seen what agent-{other} wrote"
        for name, version in self._documents(agent, control, config).items():
            if cursor.documents.get(name, "") != version:
                return f"has not seen the newest {name}"
        return ""

    def _documents(self, agent: int, control: Control, config: FlockConfig) -> Mapping[str, str]:
        found = {
            "direction": self._store.etag(keys.DIRECTION),
            "directive": self._store.etag(keys.directive(agent)),
            "config": config.work(),
            "resumes": str(control.resumes),
        }
        if config.outputNews:
            found["output"] = listing_version(self._store.infos(keys.OUTPUT))
        return found
