"""``murmur watch``: the flock, live in the terminal."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from contextlib import closing
from typing import Final

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.feed import follow
from murmur.cli.parser import Parser, add_flock, positive
from murmur.cli.view import LiveView, PlainView, View

EXAMPLES = """\
  murmur watch
  murmur watch --seconds 60 2>watch.log
"""
_TICK_SECONDS: Final = 0.5


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--seconds", type=positive, help="look for this long (default: until Ctrl-C)")
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Follow and draw; lines where standard error is no terminal."""
    deadline = time.monotonic() + args.seconds if args.seconds else float("inf")
    with Client.of(args) as client, closing(follow(client)) as feed:
        feed.picture.take_status(client.status())
        view: View = (
            LiveView(full=True, hint="Ctrl-C leaves; the flock goes on") if sys.stderr.isatty() else PlainView()
        )
        with view:
            while time.monotonic() < deadline:
                view.refresh(feed, feed.update(_TICK_SECONDS))
    return exits.OK
