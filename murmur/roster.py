"""roster.json: which agents live on which host in this run, and what the run was started with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmur import keys
from murmur.config import FlockConfig
from murmur.errors import InvalidInput, ObjectMissing
from murmur.ports import Store

MAX_LAUNCHES: Final = 6
"""How often a host is started in a run, repairs included."""


class Roster(BaseModel):
    """``hosts`` maps a host's name (``host-0``…) to its agents. ``launches`` counts how often each host was started."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    size: int = Field(ge=1)
    hosts: Mapping[str, tuple[int, ...]]
    launches: Mapping[str, int] = Field(default_factory=dict)
    config: FlockConfig
    direction: str = ""

    def host_of(self, agent: int) -> str:
        """Name of the host on which ``agent`` lives; "" if it is not in this run."""
        return next((name for name, agents in self.hosts.items() if agent in agents), "")

    def left_alone(self, alive: Collection[str]) -> dict[str, str]:
        """Hosts that died too often to be started again, and that in words. ``alive``: names of those that are there."""
        return {
            name: f"{name} died {self.launches[name]} times and is left alone"
            for name in self.hosts
            if name not in alive and self.launches.get(name, 0) >= MAX_LAUNCHES
        }

    def launched(self, names: list[str]) -> Self:
        """The roster after another launch of ``names``."""
        return self.model_copy(
            update={"launches": {**self.launches, **{n: self.launches.get(n, 0) + 1 for n in names}}}
        )

    def to_json(self) -> bytes:
        """roster.json as it is stored."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @classmethod
    def plan(cls, run: str, config: FlockConfig, direction: str) -> Self:
        """Pack the agents evenly, neighbours side by side, on as few hosts as ``agentsPerInstance`` allows."""
        count = -(-config.concurrency // config.agentsPerInstance)
        bounds = [config.concurrency * place // count for place in range(count + 1)]
        hosts = {f"host-{place}": tuple(range(bounds[place], bounds[place + 1])) for place in range(count)}
        return cls(run=run, size=config.concurrency, hosts=hosts, config=config, direction=direction)


@dataclass(frozen=True, slots=True)
class RosterDocument:
    """The roster together with the ETag it was read at. None and "": there is none yet."""

    roster: Roster | None
    etag: str


async def read_roster(store: Store) -> Roster | None:
    """Read roster.json; None before the first run. Raises InvalidInput if it is damaged."""
    return (await read_roster_document(store)).roster


async def read_roster_document(store: Store) -> RosterDocument:
    """As ``read_roster``, with the ETag."""
    try:
        found = await store.get(keys.ROSTER)
    except ObjectMissing:
        return RosterDocument(None, "")
    try:
        return RosterDocument(Roster.model_validate_json(found.body), found.etag)
    except ValidationError as error:
        raise InvalidInput(
            f"roster.json is unreadable: {error.errors()[0]['msg']}.", "Delete it and start the flock again."
        ) from error


async def write_roster(store: Store, read: RosterDocument, roster: Roster) -> RosterDocument:
    """Write roster.json if it is still as ``read``. Raises ObjectChanged if another action came first."""
    body = roster.to_json()
    if read.etag:
        etag = await store.replace(keys.ROSTER, body, read.etag, content_type="application/json")
    else:
        etag = await store.create(keys.ROSTER, body, content_type="application/json")
    return RosterDocument(roster, etag)
