"""The status document: what every agent does, and by which evidence. Pure assembly; ``murmur.census`` reads the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict

from murmur import ring
from murmur.config import FlockConfig
from murmur.control import Control, FlockState
from murmur.entry import LogEntry, last_written, moment, timestamp
from murmur.ports import Depth, HostInfo, HostMetrics
from murmur.ring import Algorithm
from murmur.roster import Roster
from murmur.state import AgentState, Counters, CurrentTurn

MISSING_AFTER_SECONDS: Final = 150.0
"""A heartbeat comes at least once a minute: two were missed, and half a minute of grace."""

AgentStatusName = Literal[
    "starting",
    "waiting",
    "turn",
    "idle",
    "pacing",
    "backing-off",
    "paused",
    "parked",
    "missing",
    "stopped",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Evidence(_Frozen):
    """How it is known: the newest heartbeat ("" before the first) and its age."""

    alive: str = ""
    age_seconds: float | None = None


class Instance(_Frozen):
    """The host on which an agent lives."""

    id: str
    name: str
    state: str
    launches: int = 0
    """How often a host was started for this place in this run, repairs included."""


class InboxDepth(_Frozen):
    """What waits in an agent's queue; approximate on AWS."""

    visible: int
    in_flight: int
    dead: int = 0
    oldest_seconds: float | None = None

    @classmethod
    def of(cls, depth: Depth | None) -> Self | None:
        """What the port said; None if it said nothing."""
        if depth is None:
            return None
        return cls(
            visible=depth.visible, in_flight=depth.in_flight, dead=depth.dead, oldest_seconds=depth.oldest_seconds
        )


class HostLoad(_Frozen):
    """Load of an agent's host; null where it is not known (yet)."""

    cpu_percent: float | None = None
    memory_bytes: int | None = None
    network_in_bytes: int | None = None
    network_out_bytes: int | None = None
    healthy: bool | None = None


class LiveAgent(_Frozen):
    """The part of an agent's status that changes from moment to moment; what the ``agent`` message carries."""

    id: int
    name: str
    status: AgentStatusName
    evidence: Evidence
    detail: str = ""
    until: str = ""
    neighbours: tuple[int, ...] = ()
    inbox: InboxDepth | None = None
    counters: Counters = Counters()
    turn: CurrentTurn | None = None
    seen: Mapping[int, int] = {}
    scripted: bool = False


class AgentStatus(LiveAgent):
    """One agent, entirely."""

    instance: Instance | None = None
    last: LogEntry | None = None
    previous: LogEntry | None = None
    metrics: HostLoad | None = None
    directive: bool = False


class Totals(_Frozen):
    """Sums over the agents since the run began; ``files`` counts output/."""

    turns: int = 0
    failed_turns: int = 0
    wakes: int = 0
    gated: int = 0
    rescues: int = 0
    tokens: int = 0
    cost: float = 0.0
    files: int = 0
    repairs: int = 0
    """Hosts that died and were started again."""


class HostCount(_Frozen):
    """How many hosts the run asked for, how many of them are there (not gone), and how often one was started again."""

    asked: int
    alive: int
    restarts: int = 0


class Status(_Frozen):
    """GET /cluster/status."""

    state: FlockState
    run: str
    reason: str
    since: str
    started: str
    now: str
    scripted: bool
    """Whether no model is behind the agents' words."""
    runner: str
    runners: tuple[str, ...] = ()
    """What the configuration may choose from."""
    concurrency: int
    algorithm: Algorithm
    neighbourRadius: int
    totals: Totals
    hosts: HostCount | None = None
    """None where nothing is known of hosts."""
    notices: tuple[str, ...] = ()
    """What a person should know of: hosts that died too often and are left alone."""
    agents: tuple[AgentStatus, ...]


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What was read of one agent. None: not there, or not readable."""

    agent: int
    state: AgentState | None = None
    """Its state document, of this run."""
    entries: Sequence[LogEntry] = ()
    """Its newest entries, ascending."""
    depth: Depth | None = None
    directive: bool = False


@dataclass(frozen=True, slots=True)
class FlockFacts:
    """What was read of the flock as a whole."""

    control: Control
    config: FlockConfig
    now: datetime
    roster: Roster | None = None
    hosts: Sequence[HostInfo] = ()
    hosts_known: bool = False
    """Whether ``hosts`` is what the fleet said, and not a lack of an answer."""
    load: Mapping[str, HostMetrics] = field(default_factory=dict)
    files: int = 0
    runners: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many agents there are: those of the run, or those a start would make."""
        ours = self.roster is not None and self.roster.run == self.control.run and self.control.state != "stopped"
        return self.roster.size if self.roster is not None and ours else self.config.concurrency

    @property
    def launches(self) -> Mapping[str, int]:
        """How often each place of this run was filled; nothing where the roster is another run's."""
        return self.roster.launches if self.roster is not None and self.roster.run == self.control.run else {}

    def host_of(self, agent: AgentFacts) -> HostInfo | None:
        """The newest host that runs, or ran, the agent."""
        name = agent.state.host if agent.state else ""
        if not name and self.roster is not None:
            name = self.roster.host_of(agent.agent)
        mine = [host for host in self.hosts if name in (host.name, host.host)]
        return max(mine, key=lambda host: (host.state != "gone", host.launched), default=None)


def host_count(flock: FlockFacts) -> HostCount | None:
    """How many hosts were asked for and are there; None if that is not known."""
    if not flock.hosts_known:
        return None
    alive = sum(host.state != "gone" for host in flock.hosts)
    roster = flock.roster
    if roster is None or roster.run != flock.control.run:
        return HostCount(asked=alive, alive=alive)
    restarts = sum(launches - 1 for launches in roster.launches.values())
    return HostCount(asked=len(roster.hosts), alive=alive, restarts=restarts)


def assemble(flock: FlockFacts, agents: Sequence[AgentFacts]) -> Status:
    """The status document from what was read."""
    near = neighbourhoods(flock.config, agents)
    control, config = flock.control, flock.config
    everyone = tuple(agent_status(flock, agent, near.get(agent.agent, ())) for agent in agents)
    known = [agent.state for agent in agents if agent.state]
    return Status(
        state=control.state,
        run=control.run,
        reason=control.reason,
        since=control.since,
        started=control.started,
        now=timestamp(flock.now),
        scripted=any(state.scripted for state in known) if known else config.runner == "scripted",
        runner=config.runner,
        runners=flock.runners,
        concurrency=config.concurrency,
        algorithm=config.algorithm,
        neighbourRadius=config.neighbourRadius,
        totals=_totals([state.counters for state in known], flock.files, _repairs(flock)),
        hosts=host_count(flock),
        notices=_notices(flock),
        agents=everyone,
    )


def agent_status(flock: FlockFacts, agent: AgentFacts, near: tuple[int, ...]) -> AgentStatus:
    """One agent's status from what was read."""
    host = flock.host_of(agent)
    last, previous = (*reversed(agent.entries), None, None)[:2]
    load = flock.load.get(host.host) if host else None
    return AgentStatus(
        **live_agent(flock, agent, near).model_dump(),
        instance=_instance(flock, host) if host else None,
        last=last,
        previous=previous,
        metrics=HostLoad(**{name: getattr(load, name) for name in HostLoad.model_fields}) if load else None,
        directive=agent.directive,
    )


def live_agent(flock: FlockFacts, agent: AgentFacts, near: tuple[int, ...]) -> LiveAgent:
    """The changing part of one agent's status."""
    state = agent.state
    evidence = _evidence(state, flock.now)
    status, detail = _status(flock, agent, evidence)
    return LiveAgent(
        id=agent.agent,
        name=f"agent-{agent.agent}",
        status=status,
        evidence=evidence,
        detail=detail,
        until=state.until if state and status in ("pacing", "backing-off") else "",
        neighbours=near,
        inbox=InboxDepth.of(agent.depth),
        counters=state.counters if state else Counters(),
        turn=state.turn if state and status == "turn" else None,
        seen=state.seen if state else {},
        scripted=bool(state and state.scripted),
    )


def neighbourhoods(config: FlockConfig, agents: Sequence[AgentFacts]) -> dict[int, tuple[int, ...]]:
    """Whom each agent reads now. A swarm member reads those that wrote last, which the newest entries tell."""
    size = config.concurrency
    mine = [agent.agent for agent in agents if agent.agent < size]
    if config.algorithm != "swarm":
        return {agent: ring.neighbours(config.algorithm, agent, size, config.neighbourRadius) for agent in mine}
    wrote = {agent.agent: last_written(agent.entries) for agent in agents if agent.entries}
    return {agent: ring.most_recent(agent, wrote, config.swarmK) for agent in mine}


def _evidence(state: AgentState | None, now: datetime) -> Evidence:
    alive = moment(state.alive) if state else None
    if state is None or alive is None:
        return Evidence()
    return Evidence(alive=state.alive, age_seconds=round(max(0.0, (now - alive).total_seconds()), 1))


def _status(flock: FlockFacts, agent: AgentFacts, evidence: Evidence) -> tuple[AgentStatusName, str]:
    """What the agent does, and why where that needs words."""
    control, state = flock.control, agent.state
    if not control.alive and not _still_ending(flock, agent):
        return "stopped", state.detail if state else ""
    gone = _gone(flock, agent, evidence)
    if gone and not (state and state.activity == "stopped"):
        return "missing", gone
    if state is None:
        return "starting", ""
    if state.activity != "waiting":
        return state.activity, state.detail
    if control.state == "paused":
        return "paused", state.detail
    last = agent.entries[-1] if agent.entries else None
    return ("idle" if last is not None and last.state == "idle" and not last.failed else "waiting"), state.detail


def _still_ending(flock: FlockFacts, agent: AgentFacts) -> bool:
    """Whether the flock is stopping and this agent has not said that it has stopped, nor is its host gone."""
    if flock.control.state != "stopping" or agent.state is None or agent.state.activity == "stopped":
        return False
    host = flock.host_of(agent)
    return host is None or host.state != "gone"


def _gone(flock: FlockFacts, agent: AgentFacts, evidence: Evidence) -> str:
    """Why the agent counts as missing; "" if it does not."""
    host = flock.host_of(agent)
    if host is not None and host.state == "gone":
        return f"{host.name} is gone{': ' + host.detail if host.detail else ''}"
    if evidence.age_seconds is not None:
        silent = evidence.age_seconds > MISSING_AFTER_SECONDS
        return f"no sign of life for {evidence.age_seconds:.0f} seconds" if silent else ""
    started = moment(flock.control.started)
    if started is not None and (flock.now - started).total_seconds() > MISSING_AFTER_SECONDS:
        return "it never gave a sign of life"
    return ""


def _instance(flock: FlockFacts, host: HostInfo) -> Instance:
    launches = flock.launches.get(host.name, 0)
    return Instance(id=host.host, name=host.name, state=host.state, launches=launches)


def _repairs(flock: FlockFacts) -> int:
    return sum(launches - 1 for launches in flock.launches.values() if launches)


def _notices(flock: FlockFacts) -> tuple[str, ...]:
    if not (flock.launches and flock.hosts_known and flock.control.alive and flock.roster):
        return ()
    alive = {host.name for host in flock.hosts if host.state in ("starting", "running")}
    return tuple(flock.roster.left_alone(alive).values())


def _totals(counters: Sequence[Counters], files: int, repairs: int) -> Totals:
    return Totals(
        turns=sum(c.turns for c in counters),
        failed_turns=sum(c.failed_turns for c in counters),
        wakes=sum(c.wakes for c in counters),
        gated=sum(c.gated for c in counters),
        rescues=sum(c.rescues for c in counters),
        tokens=sum(c.tokens for c in counters),
        cost=round(sum(c.cost for c in counters), 6),
        files=files,
        repairs=repairs,
    )
