"""What ``start``, ``stop``, ``pause`` and ``resume`` share: ask, say what came of it, and wait if that is wanted."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Collection
from typing import Any, Final

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, add_flock, add_json, positive
from murmur.cli.screen import note, print_json, say
from murmur.cli.text import clean, duration

WAIT_SECONDS: Final = 120.0
_ASK_SECONDS: Final = 0.5


def add_wait(parser: Parser, until: str) -> None:
    """``--wait [SECONDS]``."""
    parser.add_argument(
        "--wait",
        nargs="?",
        type=positive,
        const=WAIT_SECONDS,
        metavar="SECONDS",
        help=f"return only when the flock is {until} (at most {WAIT_SECONDS:.0f} seconds, or as given; exit code 3 if not)",
    )
    add_json(parser)
    add_flock(parser)


def act(args: Namespace, action: str, until: Collection[str], body: object = None) -> int:
    """Ask for ``action``; with ``--wait``, wait for one of the states ``until``."""
    with Client.of(args) as client:
        answer = client.control(action, body)
        seconds = getattr(args, "wait", None)
        reached = True
        if seconds is not None:
            answer, reached = _wait(client, until, seconds)
    if args.json:
        print_json({name: answer.get(name, "") for name in ("state", "run", "reason")})
    else:
        run = f" (run {clean(answer['run'])})" if answer.get("run") else ""
        say(f"{clean(answer.get('state', action))}{run}")
    if action == "start" and not args.json:
        note(f"see it: `murmur watch`, or {client.where.url}")
    if not reached:
        note(f"murmur: not {' or '.join(until)} within {duration(seconds or 0)}; see `murmur status`")
    return exits.OK if reached else exits.NOT_SETTLED


def _wait(client: Client, until: Collection[str], seconds: float) -> tuple[dict[str, Any], bool]:
    deadline = time.monotonic() + seconds
    while True:
        status = client.status()
        if status.get("state") in until:
            return status, True
        if time.monotonic() >= deadline:
            return status, False
        time.sleep(_ASK_SECONDS)
