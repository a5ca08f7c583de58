"""``field=value`` words into a JSON object. The flock judges fields and values; here only the spelling is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from murmur.cli.client import Answered
from murmur.cli.parser import UsageError, nearest


def assignments(words: Sequence[str]) -> dict[str, object]:
    """Values are JSON where they are (``8``, ``true``, ``"x"``), text where not. Raises UsageError."""
    found: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{word!r} is no assignment.", "Write it as field=value, such as concurrency=16.")
        found[name.strip()] = _value(value.strip())
    return found


@contextmanager
def guessing(changes: Mapping[str, object] | None) -> Iterator[None]:
    """While the flock is asked for ``changes``: where it refuses them, say which field a name resembles.

    Only then, because a flock may be newer than this command and know more fields.
    """
    try:
        yield
    except Answered as error:
        if error.answer_code == "invalid_config" and (guess := _guess(changes or {})):
            raise Answered(error.status, error.answer_code, f"{error.message}{guess}", error.remedy) from error
        raise


def _guess(changes: Mapping[str, object]) -> str:
    from murmur.config import FlockConfig  # noqa: PLC0415 - pydantic is slow to load and only needed here

    known = FlockConfig.model_fields
    return next((guess for name in changes if name not in known and (guess := nearest(name, known))), "")


def _value(text: str) -> object:
    try:
        value: object = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value
