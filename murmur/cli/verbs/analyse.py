"""``murmur analyse``: what a run was like."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from murmur.cli import exits
from murmur.cli.analysing import fetch, overview
from murmur.cli.analysis_picture import picture
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json
from murmur.cli.screen import note, print_json, say

EXAMPLES = """\
  murmur analyse
  murmur analyse 20261123T053236Z --svg run.svg
  murmur analyse --json | jq '.influence[:3]'
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "run",
        nargs="?",
        default="",
        metavar="RUN",
        help="a run as `murmur history` names it (default: the present one)",
    )
    parser.add_argument(
        "--svg", type=Path, metavar="FILE", help="draw it: convergence, who woke whom, each agent's share"
    )
    parser.add_argument("--force", action="store_true", help="write over FILE if it is there")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Fetch, tell, draw."""
    if args.svg is not None and args.svg.exists() and not args.force:
        raise UsageError(f"{args.svg} exists.", "Name another file, or add --force.")
    with Client.of(args) as client:
        found = fetch(client, args.run)
    if args.svg is not None:
        try:
            args.svg.write_text(picture(found), encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{args.svg} cannot be written: {error.strerror}.", "Name a file you may write."
            ) from error
    if args.json:
        print_json(found.model_dump(mode="json"))
    else:
        say("\n".join(overview(found)))
    if args.svg is not None:
        note(f"drawn in {args.svg}")
    return exits.OK
