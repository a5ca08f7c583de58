"""The HOME of an agent process: its own, with the settings its kind needs and nothing of the operator's but a sign-in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from agent.runner.apart import folder, share
from agent.runner.profile import RunnerProfile, sign_in_file


def furnish(home: Path, profile: RunnerProfile, environment: Mapping[str, str], model: str = "") -> None:
    """Make the folder, write the profile's settings anew, and link a person's sign-in where no key is set. Raises OSError."""
    folder(home)
    for name, text in profile.files(model).items():
        file = home / name
        _reach(home, file)
        whole = file.with_name(file.name + ".new")
        whole.write_text(text, "utf-8")
        whole.replace(file)
    if any(environment.get(name) for name in profile.keys):
        return
    for name in profile.sign_in:
        found, place = sign_in_file(name, environment), home / name
        if found is not None and not os.path.lexists(place):
            _reach(home, place)
            place.symlink_to(found.resolve())


def _reach(home: Path, file: Path) -> None:
    """Make the folders down to a file, each open to the agent, who writes beside our settings. What the agent made is left."""
    for part in reversed(file.relative_to(home).parents[:-1]):
        if not (home / part).is_dir():
            share(folder(home / part))
