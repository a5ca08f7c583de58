"""``python -m agent.brains.scripted``: the scripted brain as an ACP agent on standard input and output."""

from __future__ import annotations

import argparse
import os
import sys

from agent.brains.acp import Agent, serve, write_all
from agent.brains.scripted.session import CARD, Behaviour, ScriptedSession
from agent.brains.scripted.settings import THINK


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and serve until standard input ends. Exit codes: 0 done, 2 usage, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m agent.brains.scripted",
        description="An ACP agent without a model: it digests documents or takes the items of a checklist.",
        epilog="example: python -m agent.brains.scripted --think 0.5",
    )
    parser.add_argument(
        "--think",
        type=_seconds,
        default=os.environ.get(THINK, "0"),
        metavar="SECONDS",
        help=f"wait this long before each turn, as a model would think (default: ${THINK} or 0)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another order of work where the order is free (default: 0)"
    )
    given = parser.parse_args(argv)
    behaviour = Behaviour(given.think, given.seed)
    return serve(Agent(CARD, lambda servers: ScriptedSession(servers, behaviour), write_all))


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 86400 seconds")
    return value


if __name__ == "__main__":
    sys.exit(main())
