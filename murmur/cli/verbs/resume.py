"""``murmur resume``: go on after a pause."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli.acting import act, add_wait
from murmur.cli.parser import Parser

EXAMPLES = """\
  murmur resume
  murmur resume --wait
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_wait(parser, "running")


def execute(args: Namespace) -> int:
    """Resume."""
    return act(args, "resume", ("running", "settled"))
