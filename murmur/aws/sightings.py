"""Which instances there are, although EC2's listing lags behind (eventual consistency)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from murmur.aws.instances import Instance, Instances
from murmur.aws.threads import call
from murmur.ports import Clock

_LAG: Final = timedelta(minutes=2)
"""For how long a listing may not show what was launched, or show what was ended."""


class Sightings:
    """What EC2 lists, and what this process launched and EC2 does not list yet."""

    def __init__(self, instances: Instances, flock: str, clock: Clock) -> None:
        self._instances = instances
        self._flock = flock
        self._clock = clock
        self._made: dict[str, tuple[datetime, Instance]] = {}

    def launched(self, instances: Sequence[Instance]) -> None:
        """Remember them until they are listed."""
        self._made |= {instance.id: (self._clock.now(), instance) for instance in instances}

    async def of(self, run: str) -> list[Instance]:
        """The instances of the run; of "": all of the flock that are left. Raises Unavailable."""
        listed = await call(f"instances of {self._flock}", self._instances.all, run)
        for instance in listed:
            self._made.pop(instance.id, None)
        oldest = self._clock.now() - _LAG
        self._made = {id_: (when, instance) for id_, (when, instance) in self._made.items() if when > oldest}
        return [*listed, *(instance for _, instance in self._made.values() if run in ("", instance.run))]
