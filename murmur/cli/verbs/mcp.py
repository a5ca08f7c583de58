"""``murmur mcp``: the flock as tools for an assistant (Kiro, Claude, Cursor and the like), over MCP on standard input and output."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from murmur.cli import exits
from murmur.cli.parser import Parser, UsageError, add_flock
from murmur.cli.screen import note

EXAMPLES = """\
  murmur mcp                                # (the assistant runs this; its settings name the command)
  murmur mcp --flock team --read-only
  murmur mcp --home /work/project/.murmur --folder /work/project
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        help="where reference material may be uploaded from (default: this folder)",
    )
    parser.add_argument("--read-only", action="store_true", help="offer only the tools that look")
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Serve until the assistant hangs up."""
    if not args.folder.is_dir():
        raise UsageError(f"{args.folder} is not a folder.", "Name the folder with the material.")
    if sys.stdin.isatty():
        note("An assistant is to run this, not a person: it speaks JSON on standard input. Ctrl-C ends it.")
    from murmur.cli.mcp.server import serve  # noqa: PLC0415 - see murmur.cli.main

    serve(args, args.folder, read_only=args.read_only)
    return exits.OK
