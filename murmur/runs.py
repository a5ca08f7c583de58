"""Which run wrote an object: kept in its metadata, for keys that are the same in every run."""

from __future__ import annotations

from typing import Final

from murmur.ports import StoredObject

_RUN: Final = "run"


def mark(run: str) -> dict[str, str]:
    """The metadata of what a process of ``run`` writes. Run names rise with time, so a later one compares greater."""
    return {_RUN: run}


def run_of(found: StoredObject) -> str:
    """The run that wrote the object; "" if it does not say."""
    return found.metadata.get(_RUN, "")


def left_over(found: StoredObject, run: str) -> bool:
    """Whether the object is of another run than ``run``: a process of that run came too late."""
    return run_of(found) not in ("", run)
