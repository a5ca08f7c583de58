"""Routes of directives: an extra instruction to one agent, or to all that a filter names."""

from __future__ import annotations

from typing import Annotated, Final

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.api.members import check_member
from functions.api.models import Agent, Directed, Directive, DirectivesRequest, Done, TextRequest
from functions.api.resolver import group, services
from murmur import keys, where
from murmur.census import read_status
from murmur.documents import DIRECTIVE_LIMIT, check_text
from murmur.errors import ObjectMissing
from murmur.gather import gather
from murmur.services import Services

_MARKDOWN: Final = "text/markdown; charset=utf-8"
router = group()


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
    store, key, body = services().store, keys.directive(n), _body(what.text)
    if what.etag:
        etag = await store.replace(key, body, what.etag, content_type=_MARKDOWN)
    else:
        etag = await store.put(key, body, content_type=_MARKDOWN)
    return Directive(agent=n, text=what.text, etag=etag)


@router.delete("/cluster/agents/<n>/directive", tags=["direction"])
async def delete_directive(n: Agent) -> Done:
    """Take the extra instruction away."""
    await check_member(services(), n)
    await services().store.delete([keys.directive(n)])
    return Done()


@router.post("/cluster/directives", tags=["direction"])
async def post_directives(what: Annotated[DirectivesRequest, Body()]) -> Directed:
    """Give every agent the filter names the same extra instruction, or take theirs away. Each wakes for it."""
    return await direct(services(), what)


async def direct(services: Services, what: DirectivesRequest) -> Directed:
    """Do what was asked. Everything is checked before the first is written. Raises BadFilter, InvalidInput."""
    test = where.parse(what.where)
    body = _body(what.text) if what.text is not None else b""
    status = await read_status(services)
    chosen = [agent.id for agent in status.agents if test(where.Subject.of(agent))]
    named = [keys.directive(agent) for agent in chosen]
    if not what.dry_run and named:
        if what.clear:
            await services.store.delete(named)
        else:
            await gather(lambda key: services.store.put(key, body, content_type=_MARKDOWN), named)
    return Directed(
        where=what.where, agents=tuple(chosen), of=len(status.agents), dry_run=what.dry_run, cleared=what.clear
    )


def _body(text: str) -> bytes:
    return check_text(text, "The directive", DIRECTIVE_LIMIT)
