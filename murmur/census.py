"""Reads what the status document is made of, all agents at once, at a cost that does not grow with the logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from murmur import keys
from murmur.config import FlockConfig
from murmur.control import Control, read_control
from murmur.errors import InvalidInput, NotFound, ObjectMissing, Unavailable
from murmur.facts import AgentFacts, FlockFacts
from murmur.gather import gather
from murmur.listing import everything
from murmur.logs import LogReader
from murmur.ports import Depth, HostInfo, HostMetrics, Store
from murmur.roster import Roster, read_roster
from murmur.services import Services
from murmur.state import AgentState
from murmur.status import (
    HostCount,
    LiveAgent,
    Status,
    assemble,
    host_count,
    live_agent,
    neighbourhoods,
)

_SHOWN_ENTRIES: Final = 2


async def read_status(services: Services) -> Status:
    """The status of the whole flock, as of now. Raises InvalidInput if control.json or config.json is damaged."""
    flock = await read_flock(services)
    directives = await _directives(services.store)
    agents = await gather(lambda n: read_agent(services, flock.control, n, n in directives), range(flock.size))
    return assemble(flock, agents)


async def read_flock(services: Services) -> FlockFacts:
    """What concerns the flock as a whole."""
    control = (await read_control(services.store)).control
    config = (await services.read_config()).config
    hosts = await _hosts(services, control.run)
    known = hosts is not None
    hosts = hosts or []
    return FlockFacts(
        control=control,
        config=config,
        now=services.clock.now(),
        roster=await _roster(services.store),
        hosts=hosts,
        hosts_known=known,
        load=await _load(services, hosts),
        runners=services.settings.runners,
        files=len(await everything(services.store, keys.OUTPUT)),
    )


async def read_agent(services: Services, control: Control, agent: int, directive: bool = False) -> AgentFacts:
    """What concerns one agent."""
    page = await LogReader(services.store).newest(agent, _SHOWN_ENTRIES)
    return AgentFacts(
        agent=agent,
        state=await read_state(services.store, agent, control.run),
        entries=page.entries,
        depth=await read_depth(services, control, agent),
        directive=directive,
    )


async def read_live_agents(services: Services, agents: Sequence[int]) -> list[LiveAgent]:
    """The changing part of these agents' status, without what only a look at the whole flock tells."""
    control = (await read_control(services.store)).control
    config = (await services.read_config()).config
    flock = FlockFacts(control=control, config=config, now=services.clock.now())
    facts = await gather(lambda n: read_agent(services, control, n), agents)
    near = neighbourhoods(config, await _who_decides(services, config, facts))
    return [live_agent(flock, agent, near.get(agent.agent, ())) for agent in facts]


async def read_host_count(services: Services, control: Control) -> HostCount | None:
    """How many hosts the run asked for and are there; None if that is not known."""
    hosts = await _hosts(services, control.run)
    facts = FlockFacts(
        control=control,
        config=FlockConfig(),
        now=services.clock.now(),
        roster=await _roster(services.store),
        hosts=hosts or [],
        hosts_known=hosts is not None,
    )
    return host_count(facts)


async def read_state(store: Store, agent: int, run: str) -> AgentState | None:
    """The agent's state document if it is of this run."""
    try:
        found = await store.get(keys.state(agent))
    except ObjectMissing:
        return None
    state = AgentState.from_json(found.body)
    return state if state is not None and state.run == run else None


async def read_depth(services: Services, control: Control, agent: int) -> Depth | None:
    """What waits in the agent's queue; None if it has none now, or it does not answer."""
    if not control.alive:
        return None
    try:
        return await services.fabric.inbox(control.run, agent).depth()
    except (NotFound, Unavailable):
        return None


async def _directives(store: Store) -> frozenset[int]:
    listed = [keys.agent_of_directive(item.key) for item in await everything(store, keys.STORE)]
    return frozenset(agent for agent in listed if agent is not None)


async def _roster(store: Store) -> Roster | None:
    try:
        return await read_roster(store)
    except InvalidInput:
        return None  # it only tells on which host an agent lives: the rest of the status is worth showing


async def _hosts(services: Services, run: str) -> list[HostInfo] | None:
    """The run's hosts; None if that cannot be known."""
    if services.fleet is None or not run:
        return None
    try:
        return await services.fleet.hosts(run)
    except Unavailable:
        return None


async def _load(services: Services, hosts: Sequence[HostInfo]) -> Mapping[str, HostMetrics]:
    alive = [host.host for host in hosts if host.state != "gone"]
    return await services.metrics.hosts(alive) if services.metrics is not None and alive else {}


async def _who_decides(services: Services, config: FlockConfig, facts: list[AgentFacts]) -> list[AgentFacts]:
    """Those whose newest entries decide who reads whom: everybody where the algorithm ranks, else just the agents asked for."""
    if not config.ranked:
        return facts
    reader = LogReader(services.store)
    pages = await gather(lambda n: reader.newest(n, 1), range(config.concurrency))
    return [AgentFacts(agent=n, entries=page.entries) for n, page in enumerate(pages)]
