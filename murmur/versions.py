"""The version of a file before the present one, kept so that a person can see what a turn changed in it.

One a file, so that storage at most doubles. What a turn appended to needs no copy at all: what it was is its own beginning, and
the object's metadata says how much of it. What a turn replaced is put under ``versions/``, beside who had written it, after the
write has succeeded; so a crash in between leaves an older version there, and ``next`` tells that it is not the one before.
Several writes of one turn count as one. Why not S3's own versioning: docs/decisions/0014-previous-version.md.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from murmur import keys
from murmur.entry import timestamp
from murmur.errors import MurmurError, ObjectMissing
from murmur.ports import Store, StoredObject

_AGENT, _ITERATION, _NEXT, _WRITTEN = "agent", "iteration", "next", "written"
_GROWN, _BEFORE_AGENT, _BEFORE_ITERATION = "grown-from", "before-agent", "before-iteration"
_log: Final = logging.getLogger(__name__)


class Version(BaseModel):
    """One version of a file. ``agent``, ``iteration``: the turn that wrote it; null for the operator's."""

    model_config = ConfigDict(frozen=True)
    size: int
    modified: str = ""
    """Empty where it is not known."""
    agent: int | None = None
    iteration: int | None = None


class Versions(BaseModel):
    """GET …/versions: the present version, and the one before it; null if there was none, or it was not kept."""

    model_config = ConfigDict(frozen=True)
    key: str
    current: Version
    previous: Version | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the previous version lies: the first ``version.size`` bytes of the object ``key``."""

    key: str
    version: Version


async def find(store: Store, name: str, run: str = "") -> tuple[Versions, Kept | None]:
    """The versions of the file ``name``, of an earlier run's if ``run`` is given. Raises ObjectMissing."""
    root = keys.history(run) if run else ""
    head = await store.head(root + name)
    kept = await _kept(store, head, root + keys.previous(name))
    current = Version(size=head.size, modified=timestamp(head.modified), **_turn(head.metadata, _AGENT, _ITERATION))
    return Versions(key=name, current=current, previous=kept.version if kept else None), kept


def grown(old: StoredObject, mark: Mapping[str, str]) -> dict[str, str]:
    """Metadata that tells, of a file this turn (``mark``) appends to, what it was before the turn."""
    if _is_of(old.metadata, mark):
        return {name: old.metadata[name] for name in (_GROWN, _BEFORE_AGENT, _BEFORE_ITERATION) if name in old.metadata}
    before = {_BEFORE_AGENT: old.metadata.get(_AGENT, ""), _BEFORE_ITERATION: old.metadata.get(_ITERATION, "")}
    return {_GROWN: str(old.size)} | {name: value for name, value in before.items() if value}


async def keep(store: Store, old: StoredObject, mark: Mapping[str, str], etag: str) -> None:
    """Keep ``old``, which was just replaced by the turn ``mark`` (empty: by the operator, as ``etag``). Never raises: it is only a convenience."""
    body, author = old.body, {name: old.metadata[name] for name in (_AGENT, _ITERATION) if name in old.metadata}
    written = timestamp(old.modified)
    if mark and _is_of(old.metadata, mark):
        if _GROWN not in old.metadata:
            return  # what was there before this turn is kept already
        body, written = body[: _number(old.metadata, _GROWN) or 0], ""
        author = {
            to: old.metadata[name]
            for to, name in ((_AGENT, _BEFORE_AGENT), (_ITERATION, _BEFORE_ITERATION))
            if name in old.metadata
        }
    metadata = author | {_NEXT: _name(mark) or etag} | ({_WRITTEN: written} if written else {})
    try:
        await store.put(keys.previous(old.key), body, content_type=old.content_type, metadata=metadata)
    except MurmurError as error:
        _log.warning("%s: its previous version was not kept: %s", old.key, error)


def _is_of(metadata: Mapping[str, str], mark: Mapping[str, str]) -> bool:
    """Whether the object was written by this very turn."""
    return bool(_name(mark)) and _name(metadata) == _name(mark)


async def _kept(store: Store, head: StoredObject, at: str) -> Kept | None:
    size = _number(head.metadata, _GROWN)
    if size is not None:
        return Kept(head.key, Version(size=size, **_turn(head.metadata, _BEFORE_AGENT, _BEFORE_ITERATION)))
    try:
        kept = await store.head(at)
    except ObjectMissing:
        return None
    if kept.metadata.get(_NEXT) not in (head.etag, _name(head.metadata)):
        return None
    turn = _turn(kept.metadata, _AGENT, _ITERATION)
    return Kept(at, Version(size=kept.size, modified=kept.metadata.get(_WRITTEN, ""), **turn))


def _name(mark: Mapping[str, str]) -> str:
    return f"{mark[_AGENT]}.{mark[_ITERATION]}" if _AGENT in mark and _ITERATION in mark else ""


def _turn(metadata: Mapping[str, str], agent: str, iteration: str) -> dict[str, int | None]:
    return {"agent": _number(metadata, agent), "iteration": _number(metadata, iteration)}


def _number(metadata: Mapping[str, str], name: str) -> int | None:
    value = metadata.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else None
