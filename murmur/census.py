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
from murmur.logs import LogPage, LogReader
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
    listed = {item.key: item.etag for item in await everything(services.store, keys.STORE)}
    listed |= {item.key: item.etag for item in await everything(services.store, keys.STATE)}
    agents = await gather(lambda n: _agent_listed(services, flock.control, n, listed), range(flock.size))
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


async def read_agent(services: Services, control: Control, agent: int) -> AgentFacts:
    """What concerns one agent, without its directive."""
    page = await LogReader(services.store).newest(agent, _SHOWN_ENTRIES)
    state = await read_state(services.store, agent, control.run)
    return AgentFacts(agent, state, page.entries, await read_depth(services, control, agent))


async def _agent_listed(services: Services, control: Control, agent: int, listed: Mapping[str, str]) -> AgentFacts:
    """What concerns one agent. What ``listed`` shows in the version that was read before is not read again."""
    reader, store = LogReader(services.store), services.store
    page = await services.tails.read(
        keys.log(agent), listed, lambda _: reader.newest(agent, _SHOWN_ENTRIES), absent=LogPage(())
    )
    state = await services.states.read(keys.state(agent), listed, lambda key: _state(store, key), absent=None)
    depth = await read_depth(services, control, agent)
    return AgentFacts(
        agent, _of_run(state, control.run), page.entries, depth, directive=keys.directive(agent) in listed
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
    return _of_run(await _state(store, keys.state(agent)), run)


def _of_run(state: AgentState | None, run: str) -> AgentState | None:
    return state if state is not None and state.run == run else None


async def _state(store: Store, key: str) -> AgentState | None:
    try:
        return AgentState.from_json((await store.get(key)).body)
    except ObjectMissing:
        return None


async def read_depth(services: Services, control: Control, agent: int) -> Depth | None:
    """What waits in the agent's queue; None if it has none now, or it does not answer."""
    if not control.alive:
        return None
    try:
        return await services.fabric.inbox(control.run, agent).depth()
    except (NotFound, Unavailable):
        return None


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
