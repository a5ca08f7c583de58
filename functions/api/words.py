"""Routes of what the operator says to the whole flock: configuration and direction."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.api import operate
from functions.api.models import TextRequest
from functions.api.resolver import group, services
from murmur.config import FlockConfig
from murmur.documents import Direction, read_direction, write_direction

router = group()


@router.get("/cluster/config", tags=["config"])
async def get_config() -> FlockConfig:
    """The configuration; defaults where nothing was set."""
    return (await services().read_config()).config


@router.put("/cluster/config", tags=["config"])
async def put_config(
    changes: Annotated[dict[str, Any], Body(description="Fields to change; the rest stays.")],
) -> FlockConfig:
    """Merge fields into the configuration. During a run, the size of the flock and its runner are fixed."""
    return await operate.change_config(services(), changes)


@router.get("/cluster/direction", tags=["direction"])
async def get_direction() -> Direction:
    """The operator's goal for the whole flock; empty before the first."""
    return await read_direction(services().store)


@router.put("/cluster/direction", tags=["direction"])
async def put_direction(what: Annotated[TextRequest, Body()]) -> Direction:
    """Set the goal. A flock that runs or has settled takes it up at once."""
    return await write_direction(services().store, what.text, etag=what.etag)
