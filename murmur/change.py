"""One S3 event, parsed at the edge: which key changed, and which version of it.

Source: "Amazon S3 event message structure" for EventBridge. ``sequencer`` is a hexadecimal string that grows with every
write of the same key; strings of different length are compared after padding with zeros on the left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from murmur.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Change:
    """A key of the bucket was written or deleted."""

    key: str
    etag: str
    sequencer: str
    size: int
    time: str
    """ISO-8601, as the event says; whole seconds on AWS."""
    event_id: str
    deleted: bool = False

    def newer_than(self, sequencer: str) -> bool:
        """Whether this version of the key comes after the one with ``sequencer``."""
        return order(self.sequencer) > order(sequencer)


def order(sequencer: str) -> int:
    """The sequencer as a number that grows with every write of the key; -1 for an empty one."""
    return int(sequencer, 16) if sequencer else -1


def parse_change(body: str | bytes) -> Change:
    """Parse an EventBridge event as SQS delivers it. Raises InvalidInput if it is none of ours."""
    try:
        return _change_of(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "A queue message is not JSON.", "Something else writes to this queue: check its policy."
        ) from error


def _change_of(event: Any) -> Change:
    """Read an EventBridge event already decoded. Raises InvalidInput if it is none of ours."""
    try:
        item = event["detail"]["object"]
        sequencer = str(item.get("sequencer", ""))
        order(sequencer)
        return Change(
            key=str(item["key"]),
            etag=str(item.get("etag", "")),
            sequencer=sequencer,
            size=int(item.get("size", 0)),
            time=str(event.get("time", "")),
            event_id=str(event.get("id", "")),
            deleted=event.get("detail-type") == "Object Deleted",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(
            "A queue message is not an S3 event.", "Something else writes to this queue: check its policy."
        ) from error
