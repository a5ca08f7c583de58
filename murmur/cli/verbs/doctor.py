"""``murmur doctor``: is everything here that a flock needs, and does it work."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import Final

from murmur.cli import exits
from murmur.cli.checks import Check, examine
from murmur.cli.parser import Parser, add_json
from murmur.cli.screen import console, print_json

EXAMPLES = """\
  murmur doctor
  murmur doctor --fast
  murmur doctor --json
"""
_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--fast", action="store_true", help="leave out the real run of a small scripted flock")
    add_json(parser)


def execute(args: Namespace) -> int:
    """Check; 1 if anything failed."""
    found: list[Check] = []
    for check in examine(fast=args.fast):
        found.append(check)
        if not args.json:
            _show(check)
    failed = any(check.state == "failed" for check in found)
    if args.json:
        print_json({"ok": not failed, "checks": [asdict(check) for check in found]})
    return exits.ERROR if failed else exits.OK


def _show(check: Check) -> None:
    from rich.text import Text  # noqa: PLC0415 - only drawn for people

    out = console()
    mark = Text(f"{check.state:<8}", style=_STYLES[check.state])
    out.print(Text.assemble(mark, f"{check.name:<11} {check.detail}"), soft_wrap=True)
    if check.remedy:
        out.print(f"        → {check.remedy}", soft_wrap=True)
