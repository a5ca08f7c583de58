"""Writing what a start was asked for: done by the start itself and, if that was cut off, by whoever comes next."""

from __future__ import annotations

from typing import Final

from murmur import keys
from murmur.control import Handover
from murmur.errors import ObjectChanged, ObjectMissing, Unavailable
from murmur.ports import Store

_ATTEMPTS: Final = 4
"""A conditional write may also lose against nobody (409)."""


async def hand_over(store: Store, handover: Handover) -> bool:
    """Write configuration and direction. Repeatable. False if somebody else has written config.json since the start read it.

    Raises Unavailable.
    """
    mine = True
    if handover.config is not None:
        body = handover.config.to_json()
        mine = await _write(store, keys.CONFIG, body, handover.config_etag, "application/json")
    if handover.direction is not None:
        body = handover.direction.encode()
        await _write(store, keys.DIRECTION, body, handover.direction_etag, "text/markdown; charset=utf-8")
    return mine


async def _write(store: Store, key: str, body: bytes, etag: str, kind: str) -> bool:
    """Whether ``body`` stands there, written now or before. Looks first: mostly there is nothing left to write."""
    for _ in range(_ATTEMPTS):
        there, found = await _find(store, key)
        if found == body or there != etag:
            return found == body
        try:
            if etag:
                await store.replace(key, body, etag, content_type=kind)
            else:
                await store.create(key, body, content_type=kind)
        except ObjectChanged:
            continue
        return True
    raise Unavailable(f"{key!r} is busy.", "Start again in a second.")


async def _find(store: Store, key: str) -> tuple[str, bytes]:
    """Version and content of what stands at ``key``; empty if nothing does."""
    try:
        found = await store.get(key)
    except ObjectMissing:
        return "", b""
    return found.etag, found.body
