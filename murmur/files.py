"""Listing what agents made or read: names, versions, and, as far as the logs tell, who wrote each."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from murmur import keys
from murmur.entry import timestamp
from murmur.errors import InvalidInput
from murmur.gather import gather
from murmur.logs import LogReader
from murmur.ports import ObjectInfo, Store

_KEY_BYTES: Final = 900
_NAME_BYTES: Final = 240
_REFUSED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_AUTHOR_ENTRIES: Final = 100


class FileInfo(BaseModel):
    """One file. ``agent`` and ``iteration``: whose newest turn wrote it; null if the newest log lines do not tell."""

    model_config = ConfigDict(frozen=True)
    key: str
    size: int
    modified: str
    etag: str
    agent: int | None = None
    iteration: int | None = None


class FileList(BaseModel):
    """One page, ascending. ``after``: what to ask with for the next page, if there is ``more``."""

    model_config = ConfigDict(frozen=True)
    files: tuple[FileInfo, ...]
    more: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Author:
    """Which turn of which agent wrote a file."""

    agent: int
    iteration: int


async def list_files(
    store: Store, prefix: str, *, after: str = "", limit: int = 1000, run: str = "", authors: Mapping[str, Author]
) -> FileList:
    """One page of the files under ``prefix``; of an earlier run's if ``run`` is given. Keys are relative to the run."""
    root = keys.history(run) if run else ""
    page = await store.list(root + prefix, after=root + after if after else "", limit=limit)
    files = tuple(_info(item, item.key[len(root) :], authors) for item in page.objects)
    return FileList(files=files, more=page.more, after=files[-1].key if page.more else "")


async def read_authors(store: Store, agents: range) -> dict[str, Author]:
    """Who wrote which file, from the newest entries of every log."""
    reader = LogReader(store)
    authors: dict[str, Author] = {}
    stamps: dict[str, str] = {}
    for agent, page in enumerate(await gather(lambda n: reader.newest(n, _AUTHOR_ENTRIES), agents)):
        for entry in page.entries:
            for key in entry.files:
                if entry.ts >= stamps.get(key, ""):
                    stamps[key], authors[key] = entry.ts, Author(agent, entry.iteration)
    return authors


def file_key(folder: str, name: str) -> str:
    """The key of a file a person named, with or without its folder. Raises InvalidInput for a name that is no plain path."""
    key = name if name.startswith(folder) else folder + name
    parts = key[len(folder) :].split("/")
    odd = "\\" in key or any(unicodedata.category(character) in _REFUSED for character in key)
    if odd or any(part in ("", ".", "..") for part in parts):
        raise InvalidInput(
            f"{name[:120]!a} is not a file name.",
            f"Name a file of {folder} without leading slash, empty parts, '..', backslashes or control characters.",
        )
    if len(key.encode()) > _KEY_BYTES or any(len(part.encode()) > _NAME_BYTES for part in parts):
        raise InvalidInput(
            f"The file name {name[:60]!a}… is too long.",
            f"At most {_KEY_BYTES} bytes in all and {_NAME_BYTES} between two slashes.",
        )
    return key


def _info(item: ObjectInfo, key: str, authors: Mapping[str, Author]) -> FileInfo:
    author = authors.get(key)
    return FileInfo(
        key=key,
        size=item.size,
        modified=timestamp(item.modified),
        etag=item.etag,
        agent=author.agent if author else None,
        iteration=author.iteration if author else None,
    )
