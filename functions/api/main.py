"""The API as Lambda calls it: ``functions.api.main.handler``.

Lambda takes the handler by name while the process starts; that is when the API is imported (``murmur.coldstart``).
"""

from __future__ import annotations

from typing import Any

from murmur.coldstart import imported


def __getattr__(name: str) -> Any:
    if name != "handler":
        raise AttributeError(f"there is no {name!r} here; there is handler")
    return imported("functions.api.proxy").handler
