"""What this machine knows of deployed flocks, below ``~/.config/murmur``: where each is (``flocks/<name>.json``).

Made by `murmur deploy` and `murmur login`. Nothing secret is in it; sign-ins are kept elsewhere (signin.py).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from murmur.cli.parser import UsageError
from murmur.errors import NotFound

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")


@dataclass(frozen=True, slots=True)
class Known:
    """A deployed flock: its address, and with which AWS profile and in which region it was deployed (empty: not from here)."""

    name: str
    url: str
    region: str = ""
    profile: str = ""


def config_home() -> Path:
    """``$MURMUR_CONFIG_HOME``, else ``murmur`` in ``$XDG_CONFIG_HOME`` or ``~/.config``."""
    own = os.environ.get("MURMUR_CONFIG_HOME", "")
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(own) if own else (Path(base) if base else Path.home() / ".config") / "murmur"


def remember(flock: Known) -> None:
    """Note where a flock is."""
    write_private(_file(flock.name), asdict(flock))


def recall(name: str) -> Known:
    """Where the flock of that name is. Raises NotFound, UsageError."""
    found = _read(_file(name))
    if found is None:
        names = ", ".join(known_names()) or "none"
        raise NotFound(
            f"This machine knows no flock {name!r} (it knows: {names}).",
            f"Deploy it (`murmur deploy --flock {name}`), or sign in once with its address: `murmur login --url https://… --flock {name}`.",
        )
    return found


def maybe(name: str) -> Known | None:
    """As ``recall``; None if it is not known. Raises UsageError."""
    return _read(_file(name))


def forget(name: str) -> None:
    """Forget a flock; it may not be known."""
    _file(name).unlink(missing_ok=True)


def known_names() -> list[str]:
    """Names of all flocks this machine knows."""
    return sorted(path.stem for path in (config_home() / "flocks").glob("*.json"))


def write_private(path: Path, value: dict[str, Any]) -> None:
    """Write JSON that only this user may read, whole or not at all. Raises UsageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # made 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
        Path(name).replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}.", "Set MURMUR_CONFIG_HOME to a folder of yours."
        ) from error


def _file(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name[:40]!r} is no flock's name.", "It is up to 20 lower-case letters, digits and hyphens.")
    return config_home() / "flocks" / f"{name}.json"


def _read(path: Path) -> Known | None:
    try:
        value = json.loads(path.read_text("utf-8"))
        return Known(*(str(value[field]) for field in ("name", "url", "region", "profile")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
