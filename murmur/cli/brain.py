"""What the verbs that start something say to the `model` runner: which model, how large its window is, what it costs."""

from __future__ import annotations

import argparse
import os

from murmur.cli.parser import UsageError
from murmur.cli.screen import note
from murmur.errors import InvalidInput

RUNNER = "model"
_ANY_MODEL = "ollama:any"
"""Stands for the model that the configuration names, while the other settings are checked."""


def add_model_options(parser: argparse._ActionsContainer) -> None:
    """``--model-context`` and ``--model-prices``."""
    parser.add_argument(
        "--model-context", metavar="TOKENS", help="window of the model, for the runner 'model' (else a cautious guess)"
    )
    parser.add_argument(
        "--model-prices",
        metavar="IN/OUT",
        help="US dollars per million tokens, for the runner 'model', such as 0.25/2 (else tokens are counted, no cost)",
    )


def offer_model(runner: str | None, model: str | None, context: str | None, prices: str | None) -> None:
    """Check the model's id and settings, and hand them on to the hosts about to start. Raises UsageError.

    For a Bedrock model the operator's AWS sign-in is lent to the brain; see ``agent.brains.model.credentials``.
    """
    if runner != RUNNER:
        if context or prices:
            raise UsageError("--model-context and --model-prices go with --runner model.", "Give all, or neither.")
        return
    from agent.brains.model import credentials, settings  # noqa: PLC0415 - only where a server starts
    from agent.brains.model.failure import key_remedy  # noqa: PLC0415

    given = {settings.MODEL: model, settings.CONTEXT: context, settings.PRICES: prices}
    chosen = {name: value for name, value in given.items() if value}
    given_model = {**os.environ, **chosen}.get(settings.MODEL, "")
    try:  # what was given is checked also where the flock's configuration names the model
        found = settings.BrainSettings.from_environment(
            {**os.environ, **chosen, settings.MODEL: given_model or _ANY_MODEL}
        )
    except InvalidInput as error:
        raise UsageError(error.message, error.remedy) from error
    os.environ.update(chosen)
    if not given_model:
        return
    if found.model.maker == "bedrock":
        os.environ.update(credentials.lend(os.environ))
    if settings.key_missing(found):
        note(f"{model}: {key_remedy(found)}")
