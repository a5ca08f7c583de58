"""``python -m agent.brains.model``: the model brain as an ACP agent on standard input and output."""

from __future__ import annotations

import argparse
import sys
from functools import cache

from agent.brains.acp import Agent, serve, write_all
from agent.brains.model.name import FORMS
from agent.brains.model.session import CARD, ModelSession, prepare


def main(argv: list[str] | None = None) -> int:
    """Serve until standard input ends. Exit codes: 0 done, 2 usage, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m agent.brains.model",
        description="An ACP agent over a model: an OpenAI-compatible endpoint, or Bedrock. All settings are variables.",
        epilog=f"MURMUR_MODEL: {FORMS}. The others: docs/how-to/bring-your-model.md.",
    )
    parser.parse_args(argv)
    once = cache(prepare)  # what failed is tried again by the next turn, what was found is kept
    return serve(Agent(CARD, lambda servers: ModelSession(servers, once), write_all))


if __name__ == "__main__":
    sys.exit(main())
