"""The bundle: one zip with everything of ours an instance runs. The same input makes the same bytes, so its SHA-256 names it.

app/murmur, app/agent     Murmur's own rooms, as they are in the repository
app/lib/…                 the libraries, unpacked (wheels.py)
bootstrap.sh, bin/, units/  how an instance is set up, and what systemd starts (files/)
runners.json              which agents to install, each pinned by version and SHA-256 (runners.py)
runners/custom…           an archive the operator gave at deploy time, if any
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdk.instance.wheels import ROOT, fetch, unpacked

FILES: Final = Path(__file__).parent / "files"
CACHE: Final = ROOT / ".cdk"
"""Where fetched things lie; git ignores it."""
OURS: Final = ("murmur", "agent")
LEFT_OUT: Final = ("murmur/cli/", "murmur/local/", "murmur/simulate/", "murmur/memory/")
"""Rooms of ours that only one machine, or a test, needs."""
_SUFFIXES: Final = frozenset({".py", ".md", ".json", ".toml", ".typed"})
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_NOT_WORTH_IT: Final = (".gz", ".zip", ".xz", ".zst", ".tgz")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A built bundle. ``key`` is where it belongs in the flock's bucket."""

    path: Path
    sha256: str
    size: int

    @property
    def key(self) -> str:
        """``agent/bundle-….zip``: the content names it, so that a new one never replaces what instances of a run are made of."""
        return f"agent/bundle-{self.sha256[:16]}.zip"


def build(target: Path, *, wheels: Sequence[Path] | None = None, more: Mapping[str, bytes] | None = None) -> Bundle:
    """Write the bundle to ``target``. ``wheels``: None fetches them. ``more``: files beside, such as runners.json.

    Raises Unavailable if the wheels cannot be fetched.
    """
    members = dict(own_files())
    for wheel in fetch(CACHE) if wheels is None else wheels:
        members |= {f"app/lib/{name}": body for name, body in unpacked(wheel)}
    members |= more or {}
    body = _zip(members)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(body)
    return Bundle(target, hashlib.sha256(body).hexdigest(), len(body))


def own_files() -> Iterator[tuple[str, bytes]]:
    """What comes from this repository: name in the bundle, and content."""
    for room in OURS:
        for path in (ROOT / room).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            wanted = path.suffix in _SUFFIXES and "__pycache__" not in path.parts and not name.startswith(LEFT_OUT)
            if wanted and path.is_file():
                yield f"app/{name}", path.read_bytes()
    for path in FILES.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.name != "user-data.sh":
            yield path.relative_to(FILES).as_posix(), path.read_bytes()


def _zip(members: Mapping[str, bytes]) -> bytes:
    """Sorted, dated 1980, without owner: nothing in it but names and content."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            packed = name.endswith(_NOT_WORTH_IT)
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, members[name], compresslevel=None if packed else 6)
    return held.getvalue()
