"""S3 events on the event loop, in the order of the writes. MiniStack starts a thread for each.

Its threads append to lists that a receive on the loop rebuilds at the same time, so that a message may fall between; and they
may overtake one another.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
from collections.abc import Callable
from typing import Any

Matcher = Callable[..., bool]


class LoopEvents:
    """Fires a bucket's events as callbacks of ``loop``, behind the write's own answer."""

    def __init__(self, s3: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._s3 = s3
        self._loop = loop

    def fire(self, bucket_name: str, key: str, event_name: str, **more: Any) -> None:
        """In place of ``_fire_s3_event_async``, and called from the loop like it."""
        if bucket_name not in self._s3._bucket_notifications:  # noqa: SLF001 - as the original does
            return
        more["sequencer"] = self._s3._next_event_sequencer(event_name)  # noqa: SLF001 - checked by changes.py
        send = functools.partial(self._s3._fire_s3_event, bucket_name, key, event_name, **more)  # noqa: SLF001
        self._loop.call_soon_threadsafe(send, context=contextvars.copy_context())


def exact_keys_first(match: Matcher) -> Matcher:
    """``match``, but a rule that lists exact keys is passed over at once if the event's key is none of them."""

    def matches(pattern_str: Any, view: Any, owner: str = "rule") -> bool:
        keys = _exact_keys(pattern_str) if isinstance(pattern_str, str) else None
        if keys is not None and _key_of(view) not in keys:
            return False
        return match(pattern_str, view, owner)

    return matches


@functools.lru_cache(maxsize=4096)
def _exact_keys(pattern: str) -> frozenset[str] | None:
    """The keys a pattern lists, if it lists nothing but whole keys; None: let the matcher judge."""
    try:
        keys = json.loads(pattern)["detail"]["object"]["key"]
    except (ValueError, KeyError, TypeError):
        return None
    return frozenset(keys) if isinstance(keys, list) and all(isinstance(key, str) for key in keys) else None


def _key_of(view: Any) -> object:
    try:
        return view.event_with_detail()["detail"]["object"]["key"]
    except (KeyError, TypeError):
        return None
