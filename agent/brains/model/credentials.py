"""AWS credentials for Bedrock, lent to the brain's process under other names.

No agent process gets a variable that begins with AWS_: the bucket is reached through the tools only. The `model` brain is our own, and
its model has no tool that looks at the environment; where the operator names a Bedrock model, the operator's own way to sign in is
handed to it, and to nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PREFIX: Final = "MURMUR_MODEL_"
_NAMES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
)
_HOME: Final = f"{_PREFIX}AWS_HOME"
LENT: Final = (*(f"{_PREFIX}{name}" for name in _NAMES), _HOME)
"""The variables that carry them to the process."""


def lend(environment: Mapping[str, str]) -> dict[str, str]:
    """What a person's environment says about AWS, under the names that reach the brain."""
    given = {f"{_PREFIX}{name}": environment[name] for name in _NAMES if environment.get(name)}
    return {**given, _HOME: environment["HOME"]} if environment.get("HOME") else given


def borrow(environment: Mapping[str, str]) -> dict[str, str]:
    """The other way round: what the AWS SDK is to find in the brain's own environment (``~/.aws`` is found through HOME)."""
    found = {name: environment[f"{_PREFIX}{name}"] for name in _NAMES if environment.get(f"{_PREFIX}{name}")}
    return {**found, "HOME": environment[_HOME]} if environment.get(_HOME) else found
