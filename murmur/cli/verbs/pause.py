"""``murmur pause``: let agents finish their turn and take no other."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli.acting import act, add_wait
from murmur.cli.parser import Parser

EXAMPLES = """\
  murmur pause
  murmur pause --json
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_wait(parser, "paused")


def execute(args: Namespace) -> int:
    """Pause."""
    return act(args, "pause", ("paused",))
