"""What an agent sees when it lists: only what it may read, in key order, in pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from agent.tools.paths import ROOTS, Rights
from murmur.entry import timestamp
from murmur.errors import PathRefused
from murmur.ports import ObjectInfo, Store

LIST_LIMIT: Final = 1000
_TEXT_LIMIT_BYTES: Final = 128 * 1024
_ROW_BYTES: Final = 80
"""What a row takes beside its path."""


class ListPage(NamedTuple):
    """One page: what the agent is shown, and which objects that were."""

    text: str
    """JSON ``{"files": [{"path", "size", "modified"}], "more", "after"}``."""
    shown: tuple[ObjectInfo, ...]


async def listing(store: Store, rights: Rights, prefix: str, after: str, limit: int) -> ListPage:
    """One page. Raises PathRefused, Unavailable."""
    scope = rights.prefix_to_list(prefix)
    if after.encode("utf-8", "replace").decode() != after:
        raise PathRefused(after, "half a character (a lone surrogate) is no Unicode")
    wanted = max(1, min(limit, LIST_LIMIT))
    shown: list[ObjectInfo] = []
    space = _TEXT_LIMIT_BYTES
    async for item in _readable(store, rights, scope, after, wanted + 1):
        space -= len(item.key.encode()) + _ROW_BYTES
        if len(shown) == wanted or space < 0:
            return ListPage(_text(shown, more=True), tuple(shown))
        shown.append(item)
    return ListPage(_text(shown, more=False), tuple(shown))


async def _readable(store: Store, rights: Rights, scope: str, after: str, page: int) -> AsyncIterator[ObjectInfo]:
    for root in ROOTS:
        prefix = scope if scope.startswith(root) else root
        if not prefix.startswith(scope):
            continue
        newest = after
        while True:
            found = await store.list(prefix, after=newest, limit=min(page, 1000))
            for item in found.objects:
                if rights.may_read(item.key):
                    yield item
            if not found.more or not found.objects:
                break
            newest = found.objects[-1].key


def _text(items: list[ObjectInfo], *, more: bool) -> str:
    files = [{"path": item.key, "size": item.size, "modified": timestamp(item.modified)} for item in items]
    return json.dumps({"files": files, "more": more, "after": items[-1].key if more else ""}, ensure_ascii=False)
