"""What is peculiar to one kind of agent, as data. The driver (``link``, ``turn``, ``mind``) knows no agent by name."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agent.runner.note import Hear, deaf, everything

_PLAIN: Final = (
    "_CONTEXT",
    "_FILE",
    "_HOME",
    "_HOST",
    "_MODEL",
    "_PATH",
    "_PRICES",
    "_PROFILE",
    "_REGION",
    "_RUNTIME",
    "_THINK",
    "_URL",
)
_SHORTEST_SECRET: Final = 8
"""A shorter value would be blotted out of words it only happens to be part of."""


@dataclass(frozen=True, slots=True)
class RunnerProfile:
    """One kind of agent process. In ``model_*``, ``{model}`` stands for config.json's ``model``; unset without one."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Set for the process, beside what every agent gets."""
    passes: tuple[str, ...] = ()
    """Variables of the host handed on to the process; never shown."""
    keys: tuple[str, ...] = ()
    """Variables that hold an API key, handed on too. One of them is needed; a deployment's key goes into the first."""
    keys_optional: bool = False
    """Whether it also works without a key: it depends on where its model is."""
    sign_in: tuple[str, ...] = ()
    """Files of a person's own sign-in, relative to HOME: linked into the agent's HOME where no key is set."""
    home_files: Mapping[str, str] = field(default_factory=dict)
    """Settings written into the agent's HOME before it starts: path → text. A line with ``{model}`` needs one."""
    model_arguments: tuple[str, ...] = ()
    model_environment: Mapping[str, str] = field(default_factory=lambda: {"MURMUR_MODEL": "{model}"})
    session_meta: Mapping[str, Any] = field(default_factory=dict)
    """``_meta`` of every ``session/new``."""
    session_setup: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """Requests made of every new session: method and parameters beside its id. One that is refused changes nothing."""
    allows: Callable[[Mapping[str, Any]], bool] = everything
    """Whether what it asks permission for (the fields of ``session/request_permission``) is granted."""
    terminate_method: str = ""
    """Extension request that ends a session where ``session/close`` is missing; empty: none."""
    hear: Hear = deaf
    """Understands the notifications that are this agent's own."""
    scripted: bool = False
    """Whether no model is behind it."""
    about: str = ""
    """For ``murmur runners``: what it is."""
    module: str = ""
    """Python module that must be there, for agents that are part of Murmur."""
    remedy: str = "Install it, or choose another runner with `murmur config runner=NAME`."
    """What to do when the command is not there."""

    def argv(self, model: str) -> tuple[str, ...]:
        """The command line."""
        return self.command + tuple(part.replace("{model}", model) for part in self.model_arguments if model)

    def variables(self, model: str) -> dict[str, str]:
        """What is set for the process."""
        chosen = {name: value.replace("{model}", model) for name, value in self.model_environment.items() if model}
        return {**self.environment, **chosen}

    def files(self, model: str) -> dict[str, str]:
        """What is written into the agent's HOME."""
        return {
            name: "".join(line for line in text.splitlines(keepends=True) if model or "{model}" not in line).replace(
                "{model}", model
            )
            for name, text in self.home_files.items()
        }

    @property
    def handed_on(self) -> frozenset[str]:
        """Variables of the host that reach the process."""
        return frozenset((*self.passes, *self.keys))

    def secrets(self, environment: Mapping[str, str]) -> list[str]:
        """Values of the environment that no log may show: of all that is handed on but what is plainly an address or a setting."""
        named = {name for name in self.handed_on if not name.endswith(_PLAIN)}
        return [value for name in named if len(value := environment.get(name, "")) >= _SHORTEST_SECRET]

    def installed(self, environment: Mapping[str, str] | None = None) -> bool:
        """Whether it can be started here."""
        if self.module and not _importable(self.module):
            return False
        source = os.environ if environment is None else environment
        return shutil.which(self.command[0], path=source.get("PATH", os.defpath)) is not None

    def key_found(self, environment: Mapping[str, str] | None = None) -> str:
        """Which key or sign-in it will use: a variable's name or a file's; empty if it needs one and there is none."""
        source = os.environ if environment is None else environment
        named = next((name for name in self.keys if source.get(name)), "")
        return named or next((f"~/{file}" for file in self.sign_in if sign_in_file(file, source)), "")


def sign_in_file(file: str, environment: Mapping[str, str]) -> Path | None:
    """Where a person's own sign-in lies; None if there is none."""
    home = environment.get("HOME", "")
    found = Path(home) / file
    return found if home and found.is_file() else None


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
