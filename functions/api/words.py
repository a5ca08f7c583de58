"""Routes of what the operator says: configuration, direction, directives."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.api import operate
from functions.api.members import check_member
from functions.api.models import Agent, Directive, Done, TextRequest
from functions.api.resolver import group, services
from murmur import keys
from murmur.config import FlockConfig
from murmur.documents import DIRECTIVE_LIMIT, Direction, check_text, read_config, read_direction, write_direction
from murmur.errors import ObjectMissing

router = group()


@router.get("/cluster/config", tags=["config"])
async def get_config() -> FlockConfig:
    """The configuration; defaults where nothing was set."""
    return (await read_config(services().store)).config


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


@router.get("/cluster/agents/<n>/directive", tags=["direction"])
async def get_directive(n: Agent) -> Directive:
    """One agent's extra instruction; empty if it has none."""
    await check_member(services(), n)
    try:
        found = await services().store.get(keys.directive(n))
    except ObjectMissing:
        return Directive(agent=n, text="", etag="")
    return Directive(agent=n, text=found.body.decode("utf-8", "replace"), etag=found.etag)


@router.put("/cluster/agents/<n>/directive", tags=["direction"])
async def put_directive(n: Agent, what: Annotated[TextRequest, Body()]) -> Directive:
    """Give one agent an extra instruction. It wakes for it."""
    await check_member(services(), n)
    store, key, kind = services().store, keys.directive(n), "text/markdown; charset=utf-8"
    body = check_text(what.text, "The directive", DIRECTIVE_LIMIT)
    if what.etag:
        etag = await store.replace(key, body, what.etag, content_type=kind)
    else:
        etag = await store.put(key, body, content_type=kind)
    return Directive(agent=n, text=what.text, etag=etag)


@router.delete("/cluster/agents/<n>/directive", tags=["direction"])
async def delete_directive(n: Agent) -> Done:
    """Take the extra instruction away."""
    await check_member(services(), n)
    await services().store.delete([keys.directive(n)])
    return Done()
