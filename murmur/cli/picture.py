"""The picture a live view draws: the flock's status, kept up to date by what is pushed, and the newest entries.

Entries are taken once each and in order, by (agent, iteration); where one is missing, ``gaps`` says behind which iteration
the log has to be read again.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from murmur.cli.shapes import Counters, Entry, Status

RECENT: Final = 200


class Picture:
    """What is known of a flock right now."""

    def __init__(self) -> None:
        self.recent: deque[Entry] = deque(maxlen=RECENT)
        """The newest entries of all agents, oldest first."""
        self.gaps: dict[int, int] = {}
        """Agent → the iteration behind which entries are missing."""
        self._flock: dict[str, Any] = {}
        self._agents: dict[int, dict[str, Any]] = {}
        self._have: dict[int, int] = {}
        self._joined_midway = True

    @property
    def run(self) -> str:
        """The run the picture is of; empty before the first."""
        return str(self._flock.get("run") or "")

    @property
    def status(self) -> Status:
        """The status as known now. Sums are made anew from the agents, so that they move with every push."""
        status = Status.parse({**self._flock, "agents": list(self._agents.values())})
        return status if not self._agents else _with_sums(self._flock, self._agents.values())

    def begin(self, run: str) -> None:
        """Look at ``run`` from its first entry on."""
        self._forget()
        self._flock = {"run": run, "state": "starting"}

    def take_status(self, value: Mapping[str, Any]) -> list[Entry]:
        """A whole status; returns entries not known before."""
        run = str(value.get("run") or "")
        if self._flock and run != self.run:
            self._forget()
        self._flock = {name: part for name, part in value.items() if name != "agents"}
        found = [agent for agent in value.get("agents") or () if _id(agent) is not None]
        self._agents = {agent["id"]: dict(agent) for agent in found}
        # While a run is starting, the logs may still be those of the run before, about to be archived.
        telling = found if value.get("state") != "starting" else ()
        fresh = [self.take_entries(agent["id"], [agent.get("previous"), agent.get("last")]) for agent in telling]
        self._joined_midway = self._joined_midway and not found
        return list(heapq.merge(*fresh, key=lambda entry: entry.ts))  # an agent's own order stands, whatever its clock

    def take_entries(self, agent: int, values: Iterable[Any]) -> list[Entry]:
        """Entries of one agent, in any order; returns those not known before. Stops at a gap and notes it."""
        parsed = [entry for entry in (Entry.parse(agent, value) for value in values) if entry]
        fresh: list[Entry] = []
        for entry in sorted(parsed, key=lambda entry: entry.iteration):
            have = self._have.get(agent, entry.iteration - 1 if self._joined_midway else -1)
            if entry.iteration <= have:
                continue
            if entry.iteration > have + 1:
                self.gaps[agent] = have
                break
            self._have[agent] = entry.iteration
            self.gaps.pop(agent, None)
            fresh.append(entry)
        self.recent.extend(fresh)
        return fresh

    def give_up(self, agent: int, values: Iterable[Any]) -> list[Entry]:
        """As ``take_entries`` for what the log holds behind a gap: what is not even there will never come."""
        held = list(values)
        first = min((v["iteration"] for v in held if isinstance(v.get("iteration"), int)), default=None)
        self.gaps.pop(agent, None)
        if first is not None and first > self._have.get(agent, -1) + 1:
            self._have[agent] = first - 1
        return self.take_entries(agent, held)

    def apply(self, message: Mapping[str, Any]) -> list[Entry]:
        """One pushed message; returns entries not known before. Unknown types are of a newer flock and pass by."""
        kind = message.get("type")
        if kind == "snapshot" and isinstance(message.get("status"), Mapping):
            return self.take_status(message["status"])
        if kind == "control" and isinstance(message.get("control"), Mapping):
            self._take_control(message["control"])
        elif kind == "agent":
            self._take_agent(message.get("agent"))
        elif kind == "entry" and isinstance(message.get("agent"), int):
            fresh = self.take_entries(message["agent"], message.get("entries") or ())
            known = self._agents.get(message["agent"])
            if fresh and known is not None:
                newest = [entry for entry in message["entries"] if isinstance(entry, Mapping)][-1]
                known.update(previous=known.get("last"), last=newest)
            return fresh
        return []

    def _take_control(self, control: Mapping[str, Any]) -> None:
        if control.get("run", self.run) != self.run:
            self._forget()
        self._flock.update({name: control[name] for name in ("state", "run", "reason", "since") if name in control})

    def _take_agent(self, value: Any) -> None:
        number = _id(value)
        if number is not None:
            self._agents.setdefault(number, {}).update(value)

    def _forget(self) -> None:
        self.recent.clear()
        self.gaps.clear()
        self._agents.clear()
        self._have.clear()
        self._flock = {}
        self._joined_midway = False


def _id(agent: Any) -> int | None:
    number = agent.get("id") if isinstance(agent, Mapping) else None
    return number if isinstance(number, int) else None


def _with_sums(flock: dict[str, Any], agents: Iterable[dict[str, Any]]) -> Status:
    held = list(agents)
    counters = [Counters.parse(agent.get("counters")) for agent in held]
    told = Counters.parse(flock.get("totals"))
    names = ("turns", "failed_turns", "wakes", "gated", "rescues", "tokens", "cost")
    sums = {name: max(getattr(told, name), sum(getattr(each, name) for each in counters)) for name in names}
    totals = {**(flock.get("totals") or {}), **sums}
    return Status.parse({**flock, "agents": held, "totals": totals})
