"""Which changes to MiniStack are in force: each is made only if what it touches looks as expected, else left alone.

The changes were written against one release and measured with it. On another release, or if a function they replace has
other parameters, MiniStack's own behaviour stands, which is right but slower to wake, and a warning says so.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any, Final

from ministack.core.concurrency import esm_wake
from ministack.services import eventbridge, s3, sqs

from murmur.local.endpoint.events import LoopEvents, exact_keys_first
from murmur.local.endpoint.objects import persist_with
from murmur.local.endpoint.polls import Polls

WRITTEN_FOR: Final = "1.5.33"
_log = logging.getLogger("murmur.endpoint")

_POLLS: Final = (
    "sqs._act_receive_message(data, qurl)",
    "sqs._act_delete_queue(data, qurl)",
    "sqs._get_q(url, action)",
)
_EVENTS: Final = (
    (
        "s3._fire_s3_event(bucket_name, key, event_name, size, etag, deletion_type, restore_event_data, version_id, sequencer, "
        "object_extra, record_extra)"
    ),
    "s3._fire_s3_event_async(bucket_name, key, event_name, size, etag, deletion_type, version_id, object_extra, record_extra)",
    "s3._next_event_sequencer(event_name)",
)
_MATCHING: Final = ("eventbridge._matches_pattern_view(pattern_str, view, owner)",)
_OBJECTS: Final = (
    "s3._persist_object(bucket, key, obj)",
    "s3._object_disk_path(bucket, key, account_id)",
    "s3._other_key_disk_path(base, key, fpath)",
    "s3._object_meta_from_record(obj)",
    "s3._key_history_meta(bucket_name, key)",
    "s3._remove_key_files(fpath)",
)
_MODULES: Final[dict[str, ModuleType]] = {"sqs": sqs, "s3": s3, "eventbridge": eventbridge}


class Changes:
    """The changes in force. ``apply`` is called once, before the server answers its first request."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._polls: Polls | None = None

    def release_polls(self) -> None:
        """Answer every waiting poll with nothing: the server stops."""
        if self._polls is not None:
            self._polls.release()

    def apply(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make each change that fits the installed MiniStack; warn of each that does not."""
        if (found := version("ministack")) != WRITTEN_FOR:
            _log.warning("MiniStack is %s, not %s: it runs unchanged, so wakes take about 55 ms.", found, WRITTEN_FOR)
            return
        self._make("polls wake at once", _POLLS, self._wake(loop))
        self._make("events on the loop", _EVENTS, _dispatch(loop))
        self._make("exact keys first", _MATCHING, _match)
        self._make("objects change whole", _OBJECTS, _persist)

    def _make(self, name: str, expected: tuple[str, ...], change: Callable[[], None]) -> None:
        wrong = [signature for signature in expected if not _as_expected(signature)]
        if wrong:
            _log.warning("MiniStack has no %s: it runs without '%s'.", "; ".join(wrong), name)
            return
        change()
        self.made.append(name)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        def change() -> None:
            self._polls = Polls(sqs, loop)
            self._polls.listen(esm_wake)
            sqs._HANDLERS["ReceiveMessage"] = self._polls.receive  # noqa: SLF001 - the seam of this change
            sqs._HANDLERS["DeleteQueue"] = self._polls.delete_queue  # noqa: SLF001

        return change


def _dispatch(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    def change() -> None:
        s3._fire_s3_event_async = LoopEvents(s3, loop).fire  # noqa: SLF001

    return change


def _match() -> None:
    eventbridge._matches_pattern_view = exact_keys_first(eventbridge._matches_pattern_view)  # noqa: SLF001


def _persist() -> None:
    s3._persist_object = persist_with(s3)  # noqa: SLF001


def _as_expected(signature: str) -> bool:
    module, _, name = signature.partition("(")[0].partition(".")
    function: Any = getattr(_MODULES[module], name, None)
    return callable(function) and signature == f"{module}.{name}({', '.join(inspect.signature(function).parameters)})"
