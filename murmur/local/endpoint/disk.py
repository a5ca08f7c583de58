"""Objects on disk: an object and its sidecar change together, whatever happens in the middle.

MiniStack puts an object's bytes in one file and its ETag, size and metadata in ``<file>.meta.json``, each replaced
atomically, but one after the other: a kill between the two leaves new bytes under an old ETag. Here both are written
beside their places first, then moved in, sidecar first. What a kill leaves is told apart at the next start: if the sidecar
speaks of the bytes still waiting beside their place, they are moved in; if not, they are dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

_META = ".meta.json"


def write(path: Path, body: bytes | None, meta: dict[str, Any]) -> None:
    """Put an object's bytes (None: they stay as they are) and sidecar in their places."""
    waiting = _waiting(path)
    sidecar = path.with_name(path.name + _META)
    if body is not None:
        _write_new(waiting, body)
    _write_new(_waiting(sidecar), json.dumps(meta).encode())
    _waiting(sidecar).replace(sidecar)
    if body is not None:
        waiting.replace(path)


def recover(root: Path) -> list[str]:
    """Finish or drop the writes that were cut off; gives the paths concerned, relative to ``root``."""
    found: list[str] = []
    for folder, _, names in os.walk(root):
        for name in names:
            if not name.endswith(".tmp"):
                continue
            waiting = Path(folder, name)
            path = waiting.with_name(name.removesuffix(".tmp"))
            if not path.name.endswith(_META):
                found.append(str(path.relative_to(root)))
            if _announced(path, waiting):
                waiting.replace(path)
            else:
                waiting.unlink()
    return found


def _announced(path: Path, waiting: Path) -> bool:
    """Whether the sidecar already speaks of the waiting bytes, so that the write was as good as done."""
    if path.name.endswith(_META):
        return False
    try:
        meta = json.loads(path.with_name(path.name + _META).read_bytes())
    except (OSError, ValueError):
        return False
    body = waiting.read_bytes()
    etag = str(meta.get("etag", "")).strip('"')
    if "-" in etag:  # of a multipart upload: no digest of the whole
        return bool(meta.get("size") == len(body))
    return hashlib.md5(body, usedforsecurity=False).hexdigest() == etag


def _waiting(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")


def _write_new(path: Path, body: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
