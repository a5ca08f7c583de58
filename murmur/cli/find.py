"""Finding the flock a command is about: ``--url`` or ``--flock``, else ``MURMUR_URL``, else the one running in the nearest ``.murmur``.

A local server leaves ``runtime.json`` in its home while it runs. Such an address is only believed if it is on this machine,
and never gets the token: a folder further up may belong to somebody else.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from murmur.cli.parser import UsageError
from murmur.errors import Unavailable

HOME_NAME: Final = ".murmur"
RUNTIME_NAME: Final = "runtime.json"


class Unreachable(Unavailable):
    """No flock answers. Remedy: start one with ``murmur up``, or name one with ``--url``."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class Target:
    """A flock's address; ``home`` is None for one that was named by its address.

    ``renewable``: the token is of a sign-in that is kept (signin.py) and may be renewed when it runs out.
    """

    url: str
    token: str = ""
    home: Path | None = None
    renewable: bool = False


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a running local server says of itself."""

    url: str
    pid: int


def target(args: argparse.Namespace) -> Target:
    """The flock the parsed arguments mean. Raises Unreachable, UsageError."""
    flock = getattr(args, "flock", "")
    if flock and args.url:
        raise UsageError("--flock and --url each name a flock.", "Give one of them.")
    url = args.url or _deployed(flock) or ("" if args.home else os.environ.get("MURMUR_URL", ""))
    if url:
        return _named(url, os.environ.get("MURMUR_TOKEN", ""))
    home = args.home or nearest_home(Path.cwd())
    if home is None:
        raise Unreachable(
            f"There is no flock here: no {HOME_NAME} in {Path.cwd()} or above it.",
            "Start one with `murmur up`, or name one with --url.",
        )
    if not home.is_dir():
        raise Unreachable(
            f"There is no folder {home}.",
            "Give --home the .murmur of a flock, or start one there with `murmur up --home`.",
        )
    found = running(home)
    if found is None:
        raise Unreachable(
            f"The flock in {home} is not running.", "Start it with `murmur up` (its logs, output and history are kept)."
        )
    return Target(found.url, home=home)


def nearest_home(start: Path) -> Path | None:
    """The ``.murmur`` of ``start`` or of the nearest folder above it; None if there is none."""
    for folder in (start, *start.parents):
        home = folder / HOME_NAME
        if home.is_dir():
            return home
    return None


def running(home: Path) -> Runtime | None:
    """What runs in ``home``; None if nothing does, also when a server died without removing its file."""
    try:
        value = json.loads((home / RUNTIME_NAME).read_bytes())
        found = Runtime(url=str(value["url"]).rstrip("/"), pid=int(value["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.pid > 0 and _alive(found.pid) and is_loopback(found.url) else None


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _named(url: str, token: str) -> Target:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not an address.", "Write it as http://127.0.0.1:7777 or https://….")
    if token and parts.scheme == "http" and not is_loopback(url):
        raise UsageError(
            f"MURMUR_TOKEN would travel in the clear to {parts.hostname}.",
            "Use an https address, or unset MURMUR_TOKEN.",
        )
    url = url.rstrip("/")
    if token:
        return Target(url, token)
    kept = _kept_token(url)
    return Target(url, kept, renewable=bool(kept))


def _deployed(flock: str) -> str:
    """The address of a deployed flock; "" where none was named."""
    if not flock:
        return ""
    from murmur.cli.known import recall  # noqa: PLC0415 - most commands are about a flock on this machine

    return recall(flock).url


def _kept_token(url: str) -> str:
    """The token of a sign-in to a deployed flock; "" if there is none."""
    if not url.startswith("https:") and not is_loopback(url):
        return ""
    from murmur.cli.signin import token_for  # noqa: PLC0415 - see _deployed

    return token_for(url)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
