"""How many agents there should be, how many have no host, and what the hosts cost: what the alarms look at."""

from __future__ import annotations

from dataclasses import dataclass

from murmur.control import Control
from murmur.ports import Fleet, Store
from murmur.prices import host_dollars_per_hour
from murmur.roster import read_roster


@dataclass(frozen=True, slots=True)
class Count:
    """The flock in numbers. A flock that does not run expects nobody."""

    expected: int = 0
    missing: int = 0
    """Agents whose host is neither up nor starting."""
    hosts: int = 0
    dollars_per_hour: float = 0.0
    """The hosts at list price; what models cost is not in it."""


async def count_agents(store: Store, fleet: Fleet, control: Control) -> Count:
    """Count the agents of the run. Raises Unavailable."""
    roster = await read_roster(store) if control.run else None
    if roster is None or roster.run != control.run:
        return Count()
    up = {host.name for host in await fleet.hosts(control.run) if host.state in ("starting", "running")}
    dollars = round(len(up) * host_dollars_per_hour(roster.config.instanceType), 4)
    if not control.alive:
        return Count(hosts=len(up), dollars_per_hour=dollars)
    missing = sum(len(agents) for name, agents in roster.hosts.items() if name not in up)
    return Count(roster.size, missing, len(up), dollars)
