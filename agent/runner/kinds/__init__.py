"""The runners there are, by name: which command speaks ACP, and what it needs.

The list of those a flock may use is made when it is deployed or started; config.json only picks a name from it, never a command.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from agent.runner.kinds.kiro import KIRO
from agent.runner.kinds.others import CLAUDE, CODEX, GEMINI, GOOSE, OPENCODE
from agent.runner.kinds.own import CUSTOM_COMMAND, CUSTOM_PASSES, MODEL, SCRIPTED, custom
from agent.runner.profile import RunnerProfile
from murmur.errors import NotFound

__all__ = ["CUSTOM_COMMAND", "CUSTOM_PASSES", "SCRIPTED", "known_runners", "offered_runners", "runner_named"]

_BY_NAME: Final = {profile.name: profile for profile in (SCRIPTED, MODEL, KIRO, CLAUDE, CODEX, GEMINI, GOOSE, OPENCODE)}


def known_runners(environment: Mapping[str, str] | None = None) -> dict[str, RunnerProfile]:
    """All runners by name, installed or not. ``custom`` is among them if MURMUR_CUSTOM_COMMAND is set. Raises InvalidInput."""
    source = os.environ if environment is None else environment
    known = dict(_BY_NAME)
    if source.get(CUSTOM_COMMAND, "").strip():
        known["custom"] = custom(source)
    return known


def offered_runners(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Names a flock of this machine may choose from: what is installed here, and what its operator named. Raises InvalidInput."""
    source = os.environ if environment is None else environment
    return tuple(
        name for name, profile in known_runners(source).items() if name == "custom" or profile.installed(source)
    )


def runner_named(name: str, environment: Mapping[str, str] | None = None) -> RunnerProfile:
    """The runner of that name. Raises NotFound naming those there are, InvalidInput for a broken custom command."""
    known = known_runners(environment)
    if name in known:
        return known[name]
    if name == "custom":
        raise NotFound(
            "The runner 'custom' has no command.",
            f"Set {CUSTOM_COMMAND} to the command of an ACP agent, and start again.",
        )
    raise NotFound(f"There is no runner {name[:40]!r}.", f"Choose one of: {', '.join(known)}.")
