"""``murmur stop``: end the run; results, logs and history stay."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli.acting import act, add_wait
from murmur.cli.parser import Parser

EXAMPLES = """\
  murmur stop
  murmur stop --wait 60
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_wait(parser, "stopped")


def execute(args: Namespace) -> int:
    """Stop."""
    return act(args, "stop", ("stopped",))
