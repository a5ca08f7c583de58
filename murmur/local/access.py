"""How other commands of the same user reach a running flock's bucket: ``cloud.json`` in its home, readable by its owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from murmur.errors import NotFound

_NAME: Final = "cloud.json"


def leave_access(home: Path, environment: Mapping[str, str]) -> None:
    """Write down the environment that tells a process of the flock: its names, the endpoint, the endpoint's key."""
    place = home / _NAME
    place.unlink(missing_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(dict(environment), file)


def take_access(home: Path) -> None:
    """Remove it. Idempotent."""
    (home / _NAME).unlink(missing_ok=True)


def read_access(home: Path) -> dict[str, str]:
    """The environment of the flock that runs in ``home``. Raises NotFound if none does."""
    try:
        value = json.loads((home / _NAME).read_bytes())
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise NotFound(f"No flock of this version runs in {home}.", "Start one with `murmur up`.")
    return {str(name): str(text) for name, text in value.items()}
