"""Everything a dashboard needs to begin with, and where it stands then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from murmur import keys
from murmur.census import read_status
from murmur.config import FlockConfig
from murmur.documents import Direction, read_direction
from murmur.errors import ObjectMissing
from murmur.ports import Store
from murmur.services import Services
from murmur.status import Status

DOCUMENTS: Final = (keys.DIRECTION, keys.CONFIG, keys.CONTROL)


class Cursor(BaseModel):
    """Where a dashboard stands: the run, the newest iteration it has of each agent, the version it has of each document.

    A message carries only the part it changes; what is left out stays. ``run`` is "" if it is not known.
    """

    model_config = ConfigDict(frozen=True)
    run: str = ""
    agents: Mapping[int, int] = {}
    documents: Mapping[str, str] = {}


class Snapshot(BaseModel):
    """The ``snapshot`` message."""

    model_config = ConfigDict(frozen=True)
    type: Literal["snapshot"] = "snapshot"
    status: Status
    direction: Direction
    config: FlockConfig
    cursor: Cursor


async def read_snapshot(services: Services) -> Snapshot:
    """The flock as of now.

    The versions are read before what they describe: a change in between is then sent again, never missed.
    """
    versions = await read_versions(services.store)
    status = await read_status(services)
    return Snapshot(
        status=status,
        direction=await read_direction(services.store),
        config=(await services.read_config()).config,
        cursor=Cursor(
            run=status.run,
            agents={agent.id: agent.last.iteration for agent in status.agents if agent.last is not None},
            documents=versions,
        ),
    )


async def read_versions(store: Store) -> dict[str, str]:
    """The ETag of each of the operator's documents; "" for one that is not there."""
    return {key: await _version(store, key) for key in DOCUMENTS}


async def _version(store: Store, key: str) -> str:
    try:
        return (await store.head(key)).etag
    except ObjectMissing:
        return ""
