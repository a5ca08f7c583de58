"""``murmur cost``: what a flock costs an hour on AWS."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Final

from murmur.cli import exits
from murmur.cli.aws import account_of, add_account
from murmur.cli.costing import EXTRAS, PACKINGS, SIZES, STANDING, THINK_SECONDS, Row, table_of
from murmur.cli.parser import Parser, add_json
from murmur.cli.screen import note, print_json, say, show_table, table
from murmur.config import MAX_CONCURRENCY

EXAMPLES = """\
  murmur cost
  murmur cost --agents 128 --type t4g.large --per-instance 16
  murmur cost --spot                        # with the Spot prices of your region (asks EC2)
"""
_MAX_AGENTS: Final = 256
"""The count of requests is simulated, which takes seconds for large flocks."""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--agents", type=_count, action="append", help="size of the flock (repeatable; default: 8 and 64)"
    )
    parser.add_argument("--type", action="append", metavar="TYPE", help="instance type (repeatable; default: a choice)")
    parser.add_argument(
        "--per-instance", type=_count, default=8, metavar="N", help="agents on each (with --type; default: 8)"
    )
    parser.add_argument("--spot", action="store_true", help="ask EC2 for today's Spot prices; needs AWS credentials")
    add_json(parser)
    add_account(parser)


def execute(args: Namespace) -> int:
    """Print the table."""
    packings = [(kind, args.per_instance) for kind in args.type] if args.type else PACKINGS
    spot: Callable[[str], float | None] = account_of(args).spot_price if args.spot else lambda _: None
    note("counting a flock's requests in simulated time …")
    rows = table_of(args.agents or SIZES, packings, spot=spot)
    if args.json:
        print_json({"rows": [row.to_json() for row in rows], "standing": STANDING, "extras_per_instance": EXTRAS})
        return exits.OK
    show(rows)
    return exits.OK


def show(rows: list[Row]) -> None:
    """The table, for people."""
    right = (
        "agents",
        "on each",
        "instances",
        "GiB/agent",
        "instances $",
        "disk, IP $",
        "fabric $",
        "working $/h",
        "settled $/h",
        "Spot $/h",
    )
    grid = table("agents", "type", *right[1:], right=right)
    for row in rows:
        spot = "-" if row.working_spot is None else f"{row.working_spot:.3f}"
        grid.add_row(
            str(row.agents),
            row.type,
            str(row.per_instance),
            str(row.instances),
            f"{row.memory_gib:.1f}",
            f"{row.instance_dollars:.3f}",
            f"{row.extra_dollars:.3f}",
            f"{row.fabric.working:.3f}",
            f"{row.working:.3f}",
            f"{row.resting:.3f}",
            spot,
        )
    show_table(grid)
    say(
        f"\nList prices of us-east-1, November 2026, no free tier. Fabric: requests and events of turns of {THINK_SECONDS:.0f} s, counted in the simulator.\n"
        f"A deployed stack in which nothing runs: ${sum(STANDING.values()):.3f} an hour. Model calls are in none of this, and are above all of it."
    )


def _count(word: str) -> int:
    if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= min(MAX_CONCURRENCY, _MAX_AGENTS):
        raise ArgumentTypeError(f"{word!r} is not a number from 1 to {_MAX_AGENTS}")
    return int(word)
