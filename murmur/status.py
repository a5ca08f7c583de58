"""The status document, and how it is put together from what was read (murmur/facts.py). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from murmur.config import FlockConfig
from murmur.control import FlockState
from murmur.entry import LogEntry, last_written, timestamp
from murmur.evidence import AgentStatusName, Evidence, evidence_of, status_of
from murmur.facts import AgentFacts, FlockFacts
from murmur.ports import Depth, HostInfo
from murmur.ring import Algorithm
from murmur.state import Counters, CurrentTurn


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


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
    everyone = tuple(_agent_status(flock, agent, near.get(agent.agent, ())) for agent in agents)
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


def _agent_status(flock: FlockFacts, agent: AgentFacts, near: tuple[int, ...]) -> AgentStatus:
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
    evidence = evidence_of(state, flock.now)
    status, detail = status_of(flock, agent, evidence)
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
    wrote = {agent.agent: last_written(agent.entries) for agent in agents if agent.entries}
    return {agent.agent: config.neighbours(agent.agent, size, wrote) for agent in agents if agent.agent < size}


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
