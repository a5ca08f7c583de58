"""Reading whole listings, page by page."""

from __future__ import annotations

from typing import Final

from murmur import keys
from murmur.ports import ObjectInfo, Store

OUTPUT_LOOK_KEYS: Final = 5000
"""Most keys of output/ that are looked at to tell whether it changed; a larger folder is told by its first keys."""


async def everything(store: Store, prefix: str, most: int | None = None) -> list[ObjectInfo]:
    """The objects under ``prefix``, ascending; at least ``most`` of them if there are so many (None: all)."""
    found: list[ObjectInfo] = []
    more = True
    while more and (most is None or len(found) < most):
        page = await store.list(prefix, after=found[-1].key if found else "")
        found += page.objects
        more = page.more and bool(page.objects)
    return found


async def output_files(store: Store) -> list[ObjectInfo]:
    """What agents and the settle rule compare to tell whether output/ changed."""
    return await everything(store, keys.OUTPUT, OUTPUT_LOOK_KEYS)
