"""Agents under a user of their own: the command that starts them so, and folders that both users may work in.

``MURMUR_RUN_AS`` is put in front of an agent's command. On an instance it is the program that has systemd start the agent as another
user (docs/decisions/0013); the two users share a group, and nothing else.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

RUN_AS: Final = "MURMUR_RUN_AS"
_OWN: Final = 0o700
_SHARED: Final = 0o770


def run_as() -> tuple[str, ...]:
    """What is put in front of an agent's command; empty: it runs as the user that asks."""
    return tuple(shlex.split(os.environ.get(RUN_AS, "")))


def folder(path: Path) -> Path:
    """Make a folder an agent works in, with those above it; it may be there. Raises OSError."""
    mode = _SHARED if run_as() else _OWN
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    return path


def share(path: Path) -> Path:
    """Open a folder of our own making to the agent's user, if that is another. Raises OSError."""
    if run_as():
        path.chmod(_SHARED)
    return path
