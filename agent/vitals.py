"""What a host tells of its agents' health, as metrics: wakes, gated, turns, rescues, and how long a wake took to become a turn.

Lines in CloudWatch's embedded metric format (EMF), one for every turn and one a minute for what was counted; CloudWatch makes metrics of them when they
reach its logs. Switched on by ``MURMUR_EMF=1``; on one machine nobody listens, and nothing is written.

Source: CloudWatch User Guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from murmur.entry import LogEntry
from murmur.ports import Clock

NAMESPACE: Final = "Murmur"
EVERY_SECONDS: Final = 60.0
_COUNTED: Final[Mapping[str, str]] = {
    "wakes": "Wakes",
    "gated": "Gated",
    "rescues": "Rescues",
    "failed_turns": "FailedTurns",
    "tokens": "Tokens",
}
"""Counters of the state document that are metrics, and their names. Turns are counted by their own lines."""


class Vitals(Protocol):
    """Hears what an agent counts and which lines it writes. Never raises."""

    def counted(self, more: Mapping[str, float]) -> None:
        """Counters went up by this."""
        ...

    def turned(self, agent: int, entry: LogEntry) -> None:
        """A turn ended with this line."""
        ...


class Silent:
    """Tells nobody."""

    def counted(self, more: Mapping[str, float]) -> None:
        """See ``Vitals.counted``."""

    def turned(self, agent: int, entry: LogEntry) -> None:
        """See ``Vitals.turned``."""


SILENT: Final = Silent()


class EmfVitals:
    """Writes lines of EMF, for all agents of a host together; ``write`` takes a line."""

    def __init__(self, flock: str, host: str, clock: Clock, write: Callable[[str], object]) -> None:
        self._flock = flock
        self._host = host
        self._clock = clock
        self._write = write
        self._counts: Counter[str] = Counter()

    def counted(self, more: Mapping[str, float]) -> None:
        """See ``Vitals.counted``."""
        for name, value in more.items():
            if name in _COUNTED:
                self._counts[name] += int(value)

    def turned(self, agent: int, entry: LogEntry) -> None:
        """See ``Vitals.turned``."""
        values: dict[str, float] = {"Turns": 1}
        units = {"Turns": "Count"}
        if entry.turn_ms:
            values["TurnTime"], units["TurnTime"] = entry.turn_ms, "Milliseconds"
        if entry.wake_ms is not None:
            values["WakeLatency"], units["WakeLatency"] = entry.wake_ms, "Milliseconds"
        self._tell(values, units, agent=agent, iteration=entry.iteration, cause=entry.cause, correlation_id=entry.trace)

    async def watch(self) -> None:
        """Tell every minute what was counted, until cancelled; then once more."""
        try:
            while True:
                await self._clock.sleep(EVERY_SECONDS)
                self.flush()
        finally:
            self.flush()

    def flush(self) -> None:
        """Tell what was counted since the last time. A minute without anything is a line of zeros: the host lives."""
        values: dict[str, float] = {metric: max(0, self._counts[name]) for name, metric in _COUNTED.items()}
        self._counts.clear()
        self._tell(values, dict.fromkeys(values, "Count"))

    def _tell(self, values: Mapping[str, float], units: Mapping[str, str], **more: object) -> None:
        metrics = [{"Name": name, "Unit": unit} for name, unit in units.items()]
        about = {"Namespace": NAMESPACE, "Dimensions": [["Flock"]], "Metrics": metrics}
        when = int(self._clock.now().timestamp() * 1000)
        line = {"_aws": {"Timestamp": when, "CloudWatchMetrics": [about]}, "Flock": self._flock, "host": self._host}
        self._write(json.dumps({**line, **more, **values}, separators=(",", ":")))
