"""``field=value`` words into a JSON object. The flock judges fields and values; here only the spelling is."""

from __future__ import annotations

import json
from collections.abc import Sequence

from murmur.cli.parser import UsageError


def assignments(words: Sequence[str]) -> dict[str, object]:
    """Values are JSON where they are (``8``, ``true``, ``"x"``), text where not. Raises UsageError."""
    found: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{word!r} is no assignment.", "Write it as field=value, such as concurrency=16.")
        found[name.strip()] = _value(value.strip())
    return found


def _value(text: str) -> object:
    try:
        value: object = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value
