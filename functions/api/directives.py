"""Directives to many agents at once, chosen by a filter."""

from __future__ import annotations

from typing import Annotated, Self

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from functions.api.models import Text
from functions.api.resolver import group, services
from murmur import keys, where
from murmur.census import read_status
from murmur.documents import DIRECTIVE_LIMIT, check_text
from murmur.gather import gather
from murmur.services import Services

router = group()


class DirectivesRequest(BaseModel):
    """Whom, and what: a text to set, or ``clear``. ``dry_run`` alone, or beside either, only tells whom it would reach."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    where: Annotated[Text, Field(min_length=1, description="A filter, such as: idle and iteration < 3.")]
    text: Text | None = None
    clear: bool = False
    dry_run: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        asked = (self.text is not None) + self.clear
        if asked > 1 or (asked == 0 and not self.dry_run):
            raise PydanticCustomError("one", "give either a text or clear")
        return self


class Directed(BaseModel):
    """The agents the filter named when it was asked, and whether anything was done. Later changes of theirs change nothing."""

    model_config = ConfigDict(frozen=True)
    where: str
    agents: tuple[int, ...]
    of: int
    """How many agents the flock has."""
    dry_run: bool
    cleared: bool = False


@router.post("/cluster/directives", tags=["direction"])
async def post_directives(what: Annotated[DirectivesRequest, Body()]) -> Directed:
    """Give every agent the filter names the same extra instruction, or take theirs away. Each wakes for it."""
    return await direct(services(), what)


async def direct(services: Services, what: DirectivesRequest) -> Directed:
    """Do what was asked. Everything is checked before the first is written. Raises BadFilter, InvalidInput."""
    test = where.parse(what.where)
    body = check_text(what.text, "The directive", DIRECTIVE_LIMIT) if what.text is not None else b""
    status = await read_status(services)
    chosen = [agent.id for agent in status.agents if test(where.Subject.of(agent))]
    named = [keys.directive(agent) for agent in chosen]
    if not what.dry_run and named:
        if what.clear:
            await services.store.delete(named)
        else:
            await gather(lambda key: services.store.put(key, body, content_type="text/markdown; charset=utf-8"), named)
    return Directed(
        where=what.where, agents=tuple(chosen), of=len(status.agents), dry_run=what.dry_run, cleared=what.clear
    )
