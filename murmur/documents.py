"""The operator's documents, read and written with their versions: direction.md and config.json."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from murmur import keys
from murmur.config import FlockConfig
from murmur.entry import timestamp
from murmur.errors import InvalidInput, ObjectMissing
from murmur.ports import Store

DIRECTION_LIMIT: Final = 256 * 1024
"""Bytes of direction.md, at most."""
DIRECTIVE_LIMIT: Final = 64 * 1024
"""Bytes of one agent's directive, at most."""


class Direction(BaseModel):
    """direction.md. All empty: none was given yet."""

    model_config = ConfigDict(frozen=True)
    text: str = ""
    etag: str = ""
    modified: str = ""


class ConfigDocument(BaseModel):
    """config.json with the ETag it was read at (empty: the defaults, as there is none yet)."""

    model_config = ConfigDict(frozen=True)
    config: FlockConfig
    etag: str


async def read_direction(store: Store) -> Direction:
    """The direction as it stands; bytes that are no UTF-8 are shown as replacement characters."""
    try:
        found = await store.get(keys.DIRECTION)
    except ObjectMissing:
        return Direction()
    return Direction(text=found.body.decode("utf-8", "replace"), etag=found.etag, modified=timestamp(found.modified))


async def write_direction(store: Store, text: str, *, etag: str = "") -> Direction:
    """Set the direction; with ``etag`` only if it is still that version. Raises InvalidInput, ObjectChanged."""
    body = check_text(text, "The direction", DIRECTION_LIMIT)
    if etag:
        await store.replace(keys.DIRECTION, body, etag, content_type="text/markdown; charset=utf-8")
    else:
        await store.put(keys.DIRECTION, body, content_type="text/markdown; charset=utf-8")
    return await read_direction(store)


async def read_config(store: Store) -> ConfigDocument:
    """The configuration as it stands; the defaults if there is none. Raises InvalidInput if it is damaged."""
    try:
        found = await store.get(keys.CONFIG)
    except ObjectMissing:
        return ConfigDocument(config=FlockConfig(), etag="")
    return ConfigDocument(config=FlockConfig.from_json(found.body), etag=found.etag)


async def write_config(store: Store, read: ConfigDocument, config: FlockConfig) -> ConfigDocument:
    """Write config.json if it is still as ``read``; a no-op if it says so already. Raises ObjectChanged."""
    if read.etag and config == read.config:
        return read
    body = config.to_json()
    if read.etag:
        etag = await store.replace(keys.CONFIG, body, read.etag, content_type="application/json")
    else:
        etag = await store.create(keys.CONFIG, body, content_type="application/json")
    return ConfigDocument(config=config, etag=etag)


def check_text(text: str, what: str, limit: int) -> bytes:
    """An operator's text as bytes. Raises InvalidInput if it is empty, too long, or no Unicode."""
    if not text.strip():
        raise InvalidInput(f"{what} is empty.", "Say in a sentence or more what is to be done.")
    try:
        body = text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{what} holds half a character (a lone surrogate).", "Send valid Unicode.") from None
    if len(body) > limit:
        raise InvalidInput(
            f"{what} has {len(body):,} bytes; {limit:,} are allowed.",
            "Put the long part into knowledge-base/ and refer to it.",
        )
    return body
