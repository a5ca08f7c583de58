"""What is really so in a simulated world: folded from the record of every write, by rules written anew.

Nothing here asks the code under test what it thinks: which lines are news, what an agent has accounted for, and which version output/
has are told once more, from wake.md. An agent has accounted for what it has said durably, in a line that did not fail or in its state
document, and the newest word of its present run counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from murmur import keys, ring
from murmur.config import FlockConfig
from murmur.control import Control, parse_control
from murmur.entry import last_written, parse_log
from murmur.roster import Roster
from murmur.simulate.hosts import Life
from murmur.simulate.record import Put, RecordingStore


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log, and when it stood there."""

    at: float
    iteration: int
    news: bool
    idle: bool
    failed: bool


@dataclass(slots=True)
class Told:
    """What one agent has said durably in one run."""

    lines: list[Line] = field(default_factory=list)
    body: bytes = b""
    """Its log as it stands."""
    seen: dict[int, int] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    parked: bool = False
    in_turn: bool = False
    """What its state document says."""
    put_by: str = ""
    """Who wrote its state document last, and since when it has been that process."""
    put_since: float = 0.0
    cut_off: int = 0
    """Processes that another one followed while their state document said that a turn goes on."""

    def take_line(self, value: Mapping[str, Any], at: float) -> None:
        """One more line."""
        failed, idle = bool(value.get("failed")), value.get("state") == "idle"
        news = bool(value.get("files")) or not (idle or failed)
        self.lines.append(Line(at, int(value["iteration"]), news, idle and not failed, failed))
        if not failed:
            self.account(value)

    def account(self, value: Mapping[str, Any]) -> None:
        """A durable word on what it has seen."""
        for other, iteration in (value.get("seen") or {}).items():
            self.seen[int(other)] = max(self.seen.get(int(other), -1), int(iteration))
        self.documents.update(value.get("seen_documents") or {})

    @property
    def rolled(self) -> int:
        """The newest line that the log itself holds no more; -1 if it holds all. Of older ones the settle rule cannot tell."""
        return len(self.lines) - len(self.body.splitlines()) - 1

    def news_beyond(self, iteration: int) -> int:
        """The oldest news beyond ``iteration``; -1 for none."""
        return next((line.iteration for line in self.lines if line.news and line.iteration > iteration), -1)


class Truth:
    """The world as it is now."""

    def __init__(self, store: RecordingStore) -> None:
        self._store = store
        self._read = 0
        self._told: dict[tuple[str, int], Told] = {}
        self._written: dict[int, float] = {}
        self._parsed: dict[str, tuple[str, Any]] = {}
        self._output: tuple[int, str] = (-1, "")

    # -- the operator's documents -------------------------------------------------------------------------------------

    def control(self) -> Control:
        """control.json."""
        found: Control = self._document(keys.CONTROL, parse_control) or Control()
        return found

    def config(self) -> FlockConfig:
        """config.json."""
        found: FlockConfig = self._document(keys.CONFIG, FlockConfig.from_json) or FlockConfig()
        return found

    def roster(self) -> Roster | None:
        """roster.json."""
        found: Roster | None = self._document(keys.ROSTER, Roster.model_validate_json)
        return found

    def _document(self, key: str, parse: Any) -> Any:
        etag = self._store.etag(key)
        known = self._parsed.get(key)
        if known is None or known[0] != etag:
            body = self._store.body(key)
            known = self._parsed[key] = (etag, parse(body) if body else None)
        return known[1]

    # -- the record ---------------------------------------------------------------------------------------------------

    def told(self, run: str, agent: int) -> Told:
        """What the agent has said durably in that run."""
        puts = self._store.puts
        while self._read < len(puts):
            self._fold(puts[self._read])
            self._read += 1
        return self._told.setdefault((run, agent), Told())

    def _fold(self, put: Put) -> None:
        run = put.writer.partition("/")[0]
        agent = keys.agent_of_log(put.key)
        if agent is not None:
            if put.body is None:
                self._written.pop(agent, None)
                return
            self._written[agent] = last_written(parse_log(put.body[put.body.rstrip().rfind(b"\n") + 1 :]).entries)
            told = self._told.setdefault((run, agent), Told())
            for line in added(told.body, put.body):
                told.take_line(json.loads(line), put.at)
            told.body = put.body
            return
        agent = keys.agent_of_state(put.key)
        if agent is not None and put.body is not None:
            value = json.loads(put.body)
            told = self._told.setdefault((run, agent), Told())
            told.account(value)
            if told.put_by != put.writer:
                told.cut_off += told.in_turn
                told.put_since = put.at
            told.parked, told.in_turn = value["activity"] == "parked", value["activity"] == "turn"
            told.put_by = put.writer

    def output(self) -> str:
        """The version of output/, spelled as agents spell it: nothing for an empty folder."""
        count, version = self._output
        if count != self._store.outputs:
            there = [(info.key, info.etag) for info in self._store.infos(keys.OUTPUT)]
            text = "".join(f"{key}\0{etag}\0" for key, etag in sorted(there))
            version = hashlib.sha256(text.encode()).hexdigest()[:24] if there else ""
            self._output = (self._store.outputs, version)
        return version

    # -- what is owed -------------------------------------------------------------------------------------------------

    def neighbours(self, agent: int, roster: Roster, config: FlockConfig) -> tuple[int, ...]:
        """Whom the agent reads."""
        if not config.ranked:
            return ring.neighbours(config.algorithm, agent, roster.size, config.neighbourRadius)
        return ring.most_recent(agent, self._written, config.swarmK)

    def owed(self, lives: Sequence[Life], lost: frozenset[int] = frozenset()) -> str:
        """Why the flock is not settled: whose turn goes on, who has not seen what. "" if it is (wake.md, I6). ``lost``: agents that no host runs any more."""
        control, config, roster = self.control(), self.config(), self.roster()
        if roster is None or roster.run != control.run:
            return "there is no roster"
        turning = {life.agent for life in lives if life.turning}
        for agent in range(roster.size):
            if agent in turning:
                return f"agent-{agent} is in a turn"
            if agent in lost or self.told(control.run, agent).parked:
                continue
            if why := self.owed_to(agent, control, config, self.neighbours(agent, roster, config)):
                return f"agent-{agent} {why}"
        return ""

    def parked(self) -> frozenset[int]:
        """Which agents say that they are parked."""
        roster = self.roster()
        size = roster.size if roster is not None else 0
        return frozenset(agent for agent in range(size) if self.told(self.control().run, agent).parked)

    def owed_to(self, agent: int, control: Control, config: FlockConfig, near: Sequence[int]) -> str:
        """What makes a turn of the agent due; "" for nothing."""
        told = self.told(control.run, agent)
        if not told.lines:
            return "has not had its first turn"
        if not told.lines[-1].idle:
            return "is working"
        for other in near:
            if (news := self.told(control.run, other).news_beyond(told.seen.get(other, -1))) >= 0:
                return f"has not seen iteration {news} of agent-{other}"
        for name, version in self._documents(agent, control, config).items():
            if told.documents.get(name, "") != version:
                return f"has not seen the newest {name}"
        return ""

    def _documents(self, agent: int, control: Control, config: FlockConfig) -> Mapping[str, str]:
        work = (
            config.algorithm,
            config.concurrency,
            config.neighbourRadius,
            config.swarmK,
            config.runner,
            config.model,
        )
        found = {
            "direction": self._store.etag(keys.DIRECTION),
            "directive": self._store.etag(keys.directive(agent)),
            "config": json.dumps(work),
            "resumes": str(control.resumes),
        }
        return {**found, "output": self.output()} if config.outputNews else found


def added(before: bytes, after: bytes) -> list[bytes]:
    """The lines that a new version of a log adds: none if it was rolled, all if it begins anew."""
    if after.startswith(before):
        return after[len(before) :].splitlines()
    return [] if before.endswith(after) else after.splitlines()
