"""Which agents an instance installs, pinned: runners.json holds version, address and SHA-256 of each.

Renew a pin with ``python -m cdk.instance.runners kiro``, which takes version and SHA-256 from the maker's own release manifest, and commit
the change: what is deployed is what the repository says, on every instance alike.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from agent.runner.kinds import known_runners
from murmur.errors import InvalidInput, Unavailable

PINS: Final = Path(__file__).parent / "runners.json"
BUILT_IN: Final = frozenset(name for name, profile in known_runners({}).items() if profile.module)
"""Part of Murmur: nothing to install."""
CUSTOM: Final = "custom"
KIRO_MANIFEST: Final = "https://prod.download.cli.kiro.dev/stable/latest/manifest.json"
KIRO_BASE: Final = "https://prod.download.cli.kiro.dev/stable/"
_MUSL: Final = "aarch64-unknown-linux-musl"
"""AL2023 has glibc 2.34; kiro-cli's other build for arm64 wants 2.39."""


@dataclass(frozen=True, slots=True)
class Custom:
    """An agent of the operator's own: its command, an archive with it for arm64, and the variable its key belongs in."""

    command: str
    archive: Path | None = None
    programs: Sequence[str] = ()
    key_variable: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the chosen runners come to: files for the bundle, and the variable that their API key belongs in ("": none needs one)."""

    files: Mapping[str, bytes]
    key_variable: str


def pins() -> dict[str, dict[str, Any]]:
    """runners.json."""
    found: dict[str, dict[str, Any]] = json.loads(PINS.read_text("utf-8"))
    return found


def choose(names: Sequence[str], custom: Custom | None = None) -> Installation:
    """What to install for these runners. Raises InvalidInput for one that is neither part of Murmur, nor pinned, nor custom."""
    pinned, profiles = pins(), known_runners({})
    entries: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    keys: list[str] = []
    for name in names:
        if name == CUSTOM and custom is not None:
            entry, archive = _of_custom(custom)
            keys += [custom.key_variable] if custom.key_variable else []
            entries |= entry
            files |= archive
        elif name in pinned:
            entries[name] = pinned[name]
            keys += profiles[name].keys[:1]
        elif name in BUILT_IN:
            keys += profiles[name].keys[:1]
        else:
            known = ", ".join(sorted({*BUILT_IN, *pinned, CUSTOM}))
            raise InvalidInput(
                f"No installation of the runner {name!r} is pinned for instances.",
                f"Choose among {known}; `custom` goes with --agent-command and --agent-archive.",
            )
    files["runners.json"] = json.dumps(entries, indent=2, sort_keys=True).encode() + b"\n"
    return Installation(files, next((key for key in keys if key), ""))


def _of_custom(custom: Custom) -> tuple[dict[str, Any], dict[str, bytes]]:
    if custom.archive is None:
        return {}, {}
    try:
        body = custom.archive.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{custom.archive} cannot be read: {error.strerror or error}.",
            "Name a zip or tar with the agent for arm64.",
        ) from error
    name = "runners/custom.archive"
    entry = {"archive": name, "sha256": hashlib.sha256(body).hexdigest(), "programs": list(custom.programs)}
    return {CUSTOM: entry}, {name: body}


def kiro_pin(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The pin that a release manifest of kiro-cli gives. Raises InvalidInput if it names no build for AL2023 on arm64."""
    for package in manifest.get("packages", []):
        if (package.get("targetTriple"), package.get("fileType")) == (_MUSL, "tarXz"):
            return {
                "version": str(manifest["version"]),
                "url": KIRO_BASE + str(package["download"]),
                "sha256": str(package["sha256"]),
                "bytes": int(package["size"]),
                "programs": ["kirocli/bin/kiro-cli", "kirocli/bin/kiro-cli-chat"],
            }
    raise InvalidInput(f"The manifest of kiro-cli names no {_MUSL} archive.", "Keep the present pin.")


def renew_kiro() -> str:
    """Fetch the manifest and write its pin; returns the version. Raises Unavailable, InvalidInput."""
    try:
        answer = httpx.get(KIRO_MANIFEST, timeout=30).raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(f"{KIRO_MANIFEST} cannot be read: {error}.", "Check the network, then try again.") from error
    found = {**pins(), "kiro": kiro_pin(answer.json())}
    PINS.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return str(found["kiro"]["version"])


if __name__ == "__main__":
    if sys.argv[1:] != ["kiro"]:
        sys.exit("usage: python -m cdk.instance.runners kiro")
    sys.stdout.write(f"kiro-cli is pinned to {renew_kiro()}; look at the change of {PINS.name} and commit it\n")
