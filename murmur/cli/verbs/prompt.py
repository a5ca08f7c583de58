"""``murmur prompt``: what an agent would be told if it took a turn now."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from murmur.cli import exits
from murmur.cli.find import nearest_home, running
from murmur.cli.parser import Parser, UsageError, add_json, agent_number
from murmur.cli.screen import note, print_json, say
from murmur.cli.text import clean_block

if TYPE_CHECKING:
    from agent.preview import Preview

EXAMPLES = """\
  murmur prompt --agent 3
  murmur prompt --agent 3 --json | jq -r .prompt | wc -c
  MURMUR_BUCKET=my-flock-bucket murmur prompt --agent 3      # a deployed flock, with your AWS credentials
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--agent", type=agent_number, required=True, metavar="N", help="the agent's number")
    parser.add_argument("--home", type=Path, help="where a local flock's state lies (default: the nearest .murmur)")
    add_json(parser)


def execute(args: Namespace) -> int:
    """Print it: built by the loop's own code from what is in the bucket now. Nothing is written, no turn is taken; --json has every byte."""
    found = asyncio.run(_preview(_environment(args), args.agent))
    if args.json:
        print_json({"agent": args.agent, "cause": found.cause, "due": found.due, "prompt": found.words})
        return exits.OK
    if not found.due:
        note(f"agent-{args.agent} has nothing to wake it just now; this is what the interval would tell it.")
    say(clean_block(found.words))
    return exits.OK


def _environment(args: Namespace) -> Mapping[str, str] | None:
    """Where the bucket is; None: where boto3 finds it, for a flock that MURMUR_BUCKET names."""
    home = args.home or nearest_home(Path.cwd())
    if not args.home and os.environ.get("MURMUR_BUCKET"):
        return None
    if home is None or running(home) is None:
        raise UsageError(
            "No flock runs here.",
            "Start it with `murmur up`, name its --home, or set MURMUR_BUCKET to a deployed flock's bucket.",
        )
    from murmur.local.access import read_access  # noqa: PLC0415 - only this verb needs the bucket itself

    return read_access(home)


async def _preview(environment: Mapping[str, str] | None, agent: int) -> Preview:
    from agent.preview import preview  # noqa: PLC0415 - see _environment
    from murmur.aws.adapters import open_adapters  # noqa: PLC0415 - see _environment
    from murmur.clock import SystemClock  # noqa: PLC0415 - see _environment
    from murmur.settings import Settings  # noqa: PLC0415 - see _environment

    adapters = open_adapters(Settings.from_environment(environment), environment)
    try:
        return await preview(adapters.store, SystemClock(), agent)
    finally:
        adapters.close()
