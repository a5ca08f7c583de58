"""Runners by name: which command speaks ACP, and what it needs. The list is made at deploy time; config.json only picks a name."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from murmur.errors import InvalidInput, NotFound

CUSTOM_COMMAND: Final = "MURMUR_CUSTOM_COMMAND"
CUSTOM_PASSES: Final = "MURMUR_CUSTOM_PASSES"
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class RunnerProfile:
    """One kind of agent process."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Set for the process, beside what every agent gets."""
    passes: tuple[str, ...] = ()
    """Variables of the host handed on to the process, such as an API key; never shown."""
    scripted: bool = False
    """Whether no model is behind it."""
    model_variable: str = "MURMUR_MODEL"
    """Variable that tells the process which model to use."""
    terminate_method: str = ""
    """Extension request that ends a session where ``session/close`` is missing; empty: none."""
    remedy: str = "Install it, or choose another runner with `murmur config runner=NAME`."
    """What to do when the command is not there."""


SCRIPTED: Final = RunnerProfile(
    "scripted",
    (sys.executable, "-m", "agent.brains.scripted"),
    {"PYTHONPATH": str(_ROOT)},
    scripted=True,
    remedy="It is part of Murmur: this installation is damaged; install it again.",
)


def profiles(environment: Mapping[str, str] | None = None) -> dict[str, RunnerProfile]:
    """All runners there are, by name. ``custom`` is among them if MURMUR_CUSTOM_COMMAND is set. Raises InvalidInput."""
    source = os.environ if environment is None else environment
    known = {SCRIPTED.name: SCRIPTED}
    if source.get(CUSTOM_COMMAND, "").strip():
        known["custom"] = _custom(source)
    return known


def profile_named(name: str, environment: Mapping[str, str] | None = None) -> RunnerProfile:
    """The runner of that name. Raises NotFound naming those there are, InvalidInput for a broken custom command."""
    known = profiles(environment)
    if name in known:
        return known[name]
    if name == "custom":
        raise NotFound(
            "The runner 'custom' has no command.",
            f"Set {CUSTOM_COMMAND} to the command of an ACP agent, and start again.",
        )
    raise NotFound(f"There is no runner {name[:40]!r}.", f"Choose one of: {', '.join(sorted(known))}.")


def _custom(source: Mapping[str, str]) -> RunnerProfile:
    try:
        command = tuple(shlex.split(source[CUSTOM_COMMAND]))
    except ValueError as error:
        raise InvalidInput(f"{CUSTOM_COMMAND} is not a command line: {error}.", "Close every quote in it.") from None
    passes = tuple(name.strip() for name in source.get(CUSTOM_PASSES, "").split(",") if name.strip())
    return RunnerProfile(
        "custom", command, passes=passes, remedy=f"Set {CUSTOM_COMMAND} to a command that exists on this machine."
    )
