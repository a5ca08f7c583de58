"""What was read for the status document: of one agent, and of the flock. ``murmur.census`` reads it, ``murmur.status`` puts it together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from murmur.config import FlockConfig
from murmur.control import Control
from murmur.entry import LogEntry
from murmur.ports import Depth, HostInfo, HostMetrics
from murmur.roster import Roster
from murmur.state import AgentState


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
