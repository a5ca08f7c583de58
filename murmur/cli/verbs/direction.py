"""``murmur direction``: show the goal, or set it. Agents of a running flock hear of it at once."""

from __future__ import annotations

import sys
from argparse import Namespace

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json, text_argument
from murmur.cli.screen import note, print_json, say
from murmur.cli.text import clean_block

EXAMPLES = """\
  murmur direction
  murmur direction set "Digest every document, then write one index."
  murmur direction set @goal.md
  cat goal.md | murmur direction set -
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", nargs="?", default="show", choices=("show", "set"), help="default: show")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the text, @file, or - for standard input")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Show or set."""
    if (args.action == "set") != (args.text is not None):
        raise UsageError(
            "`direction set` needs the text." if args.action == "set" else "`direction show` takes no text.",
            'Write: murmur direction set "…", or set @file, or set -.',
        )
    text = text_argument(args.text) if args.action == "set" else None
    with Client.of(args) as client:
        found = client.direction(text)
    if args.json:
        print_json(found)
    elif args.action == "set":
        say(f"direction set ({len(text or '')} characters)")
    elif found.get("text"):
        shown = str(found["text"]).rstrip("\n")
        say(clean_block(shown) if sys.stdout.isatty() else shown)
    else:
        note('No direction yet. Set one: murmur direction set "…"')
    return exits.OK
