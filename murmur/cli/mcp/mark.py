"""Where a waiting client stands: what it has been told of, under a short name that a model can hand back without a slip."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from murmur.cli.mcp.words import TROUBLE
from murmur.cli.shapes import Status

_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of the flock, as far as changes of it are told."""

    run: str
    state: str
    newest: dict[int, int]
    """Agent → newest iteration."""
    trouble: dict[int, str]
    """Agents that are missing, parked or backing off."""

    @classmethod
    def of(cls, status: Status) -> Mark:
        """The mark of a status."""
        return cls(
            run=status.run,
            state=status.state,
            newest={agent.id: agent.last.iteration for agent in status.agents if agent.last},
            trouble={agent.id: agent.status for agent in status.agents if agent.status in TROUBLE},
        )

    def stands_like(self, other: Mark) -> bool:
        """Whether run, state and troubles are the same."""
        return (self.run, self.state, self.trouble) == (other.run, other.state, other.trouble)

    def has_heard(self, agent: int, iteration: int, run: str) -> bool:
        """Whether that entry is not news."""
        return run == self.run and iteration <= self.newest.get(agent, -1)

    def differs(self, now: Mark) -> bool:
        """Whether ``now`` holds anything this mark does not."""
        if not self.stands_like(now):
            return True
        return any(iteration > self.newest.get(agent, -1) for agent, iteration in now.newest.items())


class Marks:
    """The marks handed out by this server, the newest ones. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names = itertools.count(1)
        self._held: OrderedDict[str, Mark] = OrderedDict()

    def keep(self, mark: Mark) -> str:
        """Keep a mark; returns its name."""
        with self._lock:
            name = f"c{next(self._names)}"
            self._held[name] = mark
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)
            return name

    def find(self, name: str) -> Mark | None:
        """The mark of that name; None if it is not kept (any more)."""
        with self._lock:
            return self._held.get(name)
