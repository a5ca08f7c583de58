"""The live view as Lambda calls it: ``functions.live.main.authorise``, ``connect``, ``disconnect``, ``default``, ``push``.

Lambda asks this module for its handler by name while the process starts, and only then is that handler's part imported: who opens the
door need not load what the voice needs.
"""

from __future__ import annotations

from typing import Any

from murmur.coldstart import imported

_PARTS = {
    "authorise": "functions.live.door",
    "connect": "functions.live.door",
    "disconnect": "functions.live.door",
    "default": "functions.live.telling",
    "push": "functions.live.telling",
}


def __getattr__(name: str) -> Any:
    if name not in _PARTS:
        raise AttributeError(f"there is no handler {name!r} here; there are {', '.join(_PARTS)}")
    return getattr(imported(_PARTS[name]), name)
