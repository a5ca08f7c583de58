"""CDK's app: one stack, ``murmur-<flock>``. The CDK command runs it as ``python -m cdk.app``; `./dev synth` by way of cdk.synth."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, DefaultStackSynthesizer

from cdk.parameters import Parameters
from cdk.stack import FlockStack
from murmur.errors import MurmurError

SETTINGS = Path(__file__).resolve().parents[1] / "cdk.json"


def make_app(context: Mapping[str, Any], target: Path | None = None) -> App:
    """The app with this context (parameters, over the feature flags of cdk.json). Raises InvalidConfig for a parameter that is off.

    The stack is for no account and region in particular: it goes where the CDK command's credentials lead, and needs no look-ups.
    """
    flags: dict[str, Any] = json.loads(SETTINGS.read_text("utf-8"))["context"]
    app = App(context={**flags, **context}, outdir=str(target) if target else None, analytics_reporting=False)
    parameters = Parameters.from_context({**given_by_cli(), **context})
    FlockStack(
        app,
        "Flock",
        parameters=parameters,
        stack_name=stack_name(parameters.flock),
        synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        termination_protection=False,
    )
    return app


def stack_name(flock: str) -> str:
    """What the flock's stack is called in CloudFormation."""
    return f"murmur-{flock}"


def given_by_cli() -> dict[str, Any]:
    """What the CDK command was given with ``-c``."""
    given: dict[str, Any] = json.loads(os.environ.get("CDK_CONTEXT_JSON") or "{}")
    return given


if __name__ == "__main__":
    try:
        make_app({}).synth()
    except MurmurError as error:
        sys.exit(f"{error.message} {error.remedy}")
