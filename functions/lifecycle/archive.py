"""Moving an ended run's logs and files to history/, so that the next one begins with an empty store."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from murmur import keys
from murmur.errors import ObjectMissing
from murmur.gather import gather
from murmur.listing import everything
from murmur.ports import Store

_AT_ONCE: Final = 16


async def archive(store: Store, run: str) -> int:
    """Move store/, segments/ and output/ to history/<run>/; returns how many objects moved. Repeatable: copy first, then delete.

    Directives are copied but stay: they hold until the operator clears them. Heartbeats of the run are deleted.
    """
    moved = 0

    async def copy(key: str) -> None:
        with suppress(ObjectMissing):
            await store.copy(key, keys.history(run, key))

    for prefix in keys.ARCHIVED:
        found = [item.key for item in await everything(store, prefix)]
        await gather(copy, found, at_once=_AT_ONCE)
        await store.delete([key for key in found if keys.agent_of_directive(key) is None])
        moved += len(found)
    await store.delete([item.key for item in await everything(store, keys.STATE)])
    await copy(keys.ROSTER)
    return moved
