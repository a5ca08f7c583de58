"""``murmur runners``: which agents can think for a flock here, and what the others are missing."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, dataclass
from typing import Final

from murmur.cli import exits
from murmur.cli.parser import Parser, add_json
from murmur.cli.screen import console, print_json

EXAMPLES = """\
  murmur runners
  murmur runners --json | jq -r '.runners[] | select(.installed) | .name'
  murmur doctor --runner codex        # one real turn with it
"""
_STYLES: Final = {"ready": "green", "no key": "yellow", "not here": "dim"}


@dataclass(frozen=True, slots=True)
class Row:
    """One runner as it stands on this machine."""

    name: str
    state: str
    """``ready``, ``no key`` or ``not here``."""
    about: str
    command: str
    installed: bool
    key: str
    """The variable or file it signs in with; empty if it needs none, or if there is none."""
    keys: tuple[str, ...]
    """Variables of which it needs one."""
    remedy: str
    """How to get what is missing; empty if nothing is."""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_json(parser)


def execute(args: Namespace) -> int:
    """List them."""
    found = rows()
    if args.json:
        print_json({"runners": [asdict(row) for row in found]})
        return exits.OK
    from rich.text import Text  # noqa: PLC0415 - only drawn for people

    out = console()
    for row in found:
        out.print(Text.assemble(f"{row.name:<10}", Text(f"{row.state:<10}", style=_STYLES[row.state]), row.about))
        if row.key and row.installed:
            out.print(f"{'':<20}signs in with {row.key}", soft_wrap=True)
        if row.remedy:
            out.print(f"{'':<20}→ {row.remedy}", soft_wrap=True)
    return exits.OK


def rows() -> list[Row]:
    """Every runner there is. Raises InvalidInput for a broken custom command."""
    from agent.runner.kinds import known_runners  # noqa: PLC0415 - other verbs need none of it

    made = []
    for profile in known_runners().values():
        installed, key = profile.installed(), profile.key_found()
        lacks_key = bool(profile.keys) and not profile.keys_optional and not key
        remedy = "" if installed else profile.remedy
        if installed and lacks_key:
            remedy = f"Export {' or '.join(profile.keys)}" + (
                f", or sign in (~/{profile.sign_in[0]})." if profile.sign_in else "."
            )
        state = "not here" if not installed else "no key" if lacks_key else "ready"
        command = " ".join(profile.command)
        made.append(Row(profile.name, state, profile.about, command, installed, key, profile.keys, remedy))
    return made
