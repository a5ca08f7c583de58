"""``murmur start``: a new run; the one before moves to the history."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli.acting import act, add_wait
from murmur.cli.assign import assignments, guessing
from murmur.cli.parser import Parser, text_argument

EXAMPLES = """\
  murmur start
  murmur start --direction @goal.md --set concurrency=16 --set neighbourRadius=2
  murmur start --wait && murmur watch
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--direction", metavar="TEXT", help="the goal: the text, @file, or - for standard input")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change the configuration first (repeatable)"
    )
    add_wait(parser, "running")


def execute(args: Namespace) -> int:
    """Start."""
    body: dict[str, object] = {}
    changes: dict[str, object] = assignments(args.set)
    if args.direction is not None:
        body["direction"] = text_argument(args.direction)
    if changes:
        body["config"] = changes
    with guessing(changes):
        return act(args, "start", ("running", "settled"), body)
