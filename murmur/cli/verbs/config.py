"""``murmur config``: show the configuration or change it. The flock checks every value; a wrong one changes nothing."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli import exits
from murmur.cli.assign import assignments, guessing
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json, nearest
from murmur.cli.screen import print_json, show_table, table
from murmur.cli.text import clean

EXAMPLES = """\
  murmur config
  murmur config set concurrency=16 neighbourRadius=2
  murmur config set algorithm=mesh loopIntervalSeconds=10
  murmur config --reset
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("words", nargs="*", metavar="show | [set] FIELD=VALUE", help="default: show")
    parser.add_argument("--reset", action="store_true", help="set every field to its default")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Show, set or reset."""
    changes = _changes(args.words)
    if args.reset and args.words:
        raise UsageError("--reset sets every field, and takes no other.", "Reset first, then set what you want.")
    if args.reset:
        changes = _defaults()
    with Client.of(args) as client, guessing(changes):
        found = client.config(changes)
    if args.json:
        print_json(found)
        return exits.OK
    grid = table("field", "value")
    for name, value in found.items():
        changed = changes is not None and not args.reset and name in changes
        grid.add_row(clean(name), clean(value), style="bold" if changed else "")
    show_table(grid)
    return exits.OK


def _changes(words: list[str]) -> dict[str, object] | None:
    """What to change; None to show. Raises UsageError."""
    if words in ([], ["show"]):
        return None
    given = words[1:] if words[0] == "set" else words
    if not given or ("=" not in words[0] and words[0] != "set"):
        guess = nearest(words[0], ("set", "show")) if words[0] != "set" else ""
        raise UsageError(f"{' '.join(words)!r} changes nothing.{guess}", "Write: murmur config set concurrency=16.")
    return assignments(given)


def _defaults() -> dict[str, object]:
    from murmur.config import FlockConfig  # noqa: PLC0415 - pydantic is slow to load and only needed here

    return FlockConfig().model_dump(mode="json")
