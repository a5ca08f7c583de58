"""Sends this instance's journal to CloudWatch Logs: what Murmur's units say, and what the kernel says when memory runs out.

Reads ``journalctl --follow`` from a cursor that it keeps, sends batches (``PutLogEvents``: at most 10,000 events, 1 MB, in order of time),
and goes on from the last batch that was taken. A stream per instance, in the group that ``MURMUR_LOG_GROUP`` names. Lines in CloudWatch's
embedded metric format stay whole, so that metrics come of them. A small shipper instead of the CloudWatch agent: nothing to install at boot.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BATCH_SECONDS: Final = 5.0
BATCH_EVENTS: Final = 5_000
BATCH_BYTES: Final = 900_000
EVENT_BYTES: Final = 200_000
EVENT_OVERHEAD: Final = 26
"""Bytes that CloudWatch counts for every event, beside its text."""
_UNITS: Final = ("murmur-host", "murmur-guard", "murmur-key", "murmur-agent@*")
_WAIT_MAX: Final = 60.0

Event = dict[str, Any]


def event_of(line: bytes) -> tuple[Event, str] | None:
    """A line of ``journalctl --output=json`` as an event, and the journal's cursor behind it; None for one without text."""
    try:
        value = json.loads(line)
        text, when, cursor = value.get("MESSAGE"), int(value["__REALTIME_TIMESTAMP"]) // 1000, str(value["__CURSOR"])
    except (ValueError, KeyError, TypeError):
        return None
    if isinstance(text, list):  # the journal gives bytes that are no text as numbers
        text = bytes(number & 255 for number in text if isinstance(number, int)).decode("utf-8", "replace")
    if not isinstance(text, str) or not text:
        return None
    body = text.encode()
    if len(body) > EVENT_BYTES:
        text = body[:EVENT_BYTES].decode("utf-8", "ignore") + " …"
    return {"timestamp": when, "message": text}, cursor


class Shipper:
    """Collects events and sends them. ``send`` is ``PutLogEvents`` of one stream."""

    def __init__(self, logs: Any, group: str, stream: str, cursor_file: Path) -> None:
        self._logs, self._group, self._stream, self._cursor_file = logs, group, stream, cursor_file
        self._held: list[Event] = []
        self._bytes = 0
        self._cursor = ""

    @property
    def full(self) -> bool:
        """Whether a batch is as large as it may be."""
        return len(self._held) >= BATCH_EVENTS or self._bytes >= BATCH_BYTES

    def take(self, line: bytes) -> None:
        """Hold one line for the next batch."""
        found = event_of(line)
        if found:
            event, self._cursor = found
            self._held.append(event)
            self._bytes += len(event["message"].encode()) + EVENT_OVERHEAD

    def open_stream(self) -> None:
        """Make the stream; it may be there. Raises ClientError."""
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def flush(self) -> None:
        """Send what is held, and remember how far that went. Raises ClientError, BotoCoreError; what was held is kept."""
        if self._held:
            events = sorted(self._held, key=lambda event: event["timestamp"])
            self._logs.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)
            self._held, self._bytes = [], 0
            self._cursor_file.write_text(self._cursor, "utf-8")


def lines(pipe: Any) -> Iterator[bytes | None]:
    """Whole lines of the pipe; None whenever a second passed without. Ends when it ends."""
    os.set_blocking(pipe.fileno(), False)
    rest = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while True:
            if not waiting.select(1.0):
                yield None
                continue
            part = pipe.read(65_536)
            if not part:
                return
            *whole, rest = (rest + part).split(b"\n")
            yield from whole
            if len(rest) > 4 * EVENT_BYTES:
                rest = b""


def ship(pipe: Any, shipper: Shipper) -> None:
    """Until the pipe ends. What CloudWatch refuses for now is tried again, ever more slowly; meanwhile the journal waits."""
    sent = time.monotonic()
    for line in lines(pipe):
        if line is not None:
            shipper.take(line)
        if shipper.full or time.monotonic() - sent >= BATCH_SECONDS:
            _insist(shipper)
            sent = time.monotonic()
    _insist(shipper)


def _insist(shipper: Shipper) -> None:
    wait = 1.0
    while True:
        try:
            shipper.flush()
        except (ClientError, BotoCoreError) as error:
            sys.stderr.write(f"murmur: the journal waits for CloudWatch: {error}\n")
            time.sleep(wait)
            wait = min(wait * 2, _WAIT_MAX)
        else:
            return


def main() -> int:
    """Ship until stopped."""
    state = Path(os.environ.get("STATE_DIRECTORY", "/tmp")) / "cursor"  # noqa: S108 - systemd names it; PrivateTmp otherwise
    logs = boto3.client("logs", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))
    stream = os.environ.get("MURMUR_HOST_ID") or os.uname().nodename
    shipper = Shipper(logs, os.environ["MURMUR_LOG_GROUP"], stream, state)
    shipper.open_stream()
    command = ["journalctl", "--follow", "--output=json", "--lines=all", "--boot"]
    command += [word for unit in _UNITS for word in ("--unit", unit)]
    if state.exists():
        command += ["--after-cursor", state.read_text("utf-8")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as journal:  # noqa: S603 - our own words
        ship(journal.stdout, shipper)
        return journal.wait()


if __name__ == "__main__":
    sys.exit(main())
