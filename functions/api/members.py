"""Which agents there are to ask about."""

from __future__ import annotations

from murmur import keys
from murmur.errors import NotFound, ObjectMissing
from murmur.services import Services


async def check_member(services: Services, agent: int) -> None:
    """Raises NotFound if the flock has no such agent."""
    size = (await services.read_config()).config.concurrency
    if agent >= size:
        raise NotFound(f"There is no agent-{agent}.", f"The flock has agent-0 to agent-{size - 1}.")


async def check_log(services: Services, agent: int) -> None:
    """Raises NotFound if there is neither such an agent nor a log it left behind."""
    try:
        await check_member(services, agent)
    except NotFound:
        try:
            await services.store.head(keys.log(agent))
        except ObjectMissing:
            pass
        else:
            return
        raise
