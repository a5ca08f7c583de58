"""Fleet over EC2: one launch for many hosts, each of which finds its place by its launch index (docs/decisions/0012)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from murmur.aws import places
from murmur.aws.clients import Clients
from murmur.aws.cloud import CloudSettings
from murmur.aws.instances import Instance, Instances, Mismatch, NoCapacity
from murmur.aws.sightings import Sightings
from murmur.aws.threads import call
from murmur.errors import MurmurError, NotFound, Unavailable
from murmur.ports import Clock, HostInfo, Store
from murmur.roster import Roster, read_roster

LOOKS: Final = 6
"""How often ``terminate`` looks whether all are going, each time after twice as long."""
_MISMATCHES: Final = 3
_log = logging.getLogger(__name__)


class Ec2Fleet:
    """The instances of one flock."""

    def __init__(
        self,
        clients: Clients,
        flock: str,
        cloud: CloudSettings,
        store: Store,
        clock: Clock,
        *,
        remembered_seconds: float = 0.0,
    ) -> None:
        """``remembered_seconds``: for how long ``hosts`` may answer from memory, where many ask."""
        self._instances = Instances(clients, flock, cloud)
        self._sightings = Sightings(self._instances, flock, clock)
        self._cloud = cloud
        self._store = store
        self._clock = clock
        self._remembered_seconds = remembered_seconds
        self._remembered: dict[str, tuple[float, list[HostInfo]]] = {}

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        """See ``Fleet.launch``. A name that could not be had is returned as gone, with the reason. Raises Unavailable if none could."""
        self._cloud.require("launch_template", "subnets")
        roster = await self._roster(run)
        known = await self._sightings.of(run)
        await self._end(_surplus(known))
        filled = {instance.name: instance for instance in known if instance.up}
        wanted = [name for name in names if name not in filled]
        reason = ""
        for part in places.batches(wanted):
            made, short = await self._launch(run, roster, part)
            filled |= {instance.name: instance for instance in made if instance.up}
            reason = reason or short
        absent = [name for name in names if name not in filled]
        if names and len(absent) == len(names):
            raise Unavailable(
                f"EC2 gave no instance for run {run}: {reason or 'they ended at once'}.",
                "Choose another instanceType, fewer agents or more agentsPerInstance, or ask AWS for a higher quota.",
            )
        if absent:
            _log.warning("run %s: no instance for %s: %s", run, ", ".join(absent), reason)
        await self._label(roster, filled.values())
        now = self._clock.now()
        gone = [HostInfo("", name, "gone", now, reason or "it ended at once") for name in absent]
        return [*(filled[name].info() for name in names if name in filled), *gone]

    async def hosts(self, run: str) -> list[HostInfo]:
        """See ``Fleet.hosts``. Of the ended ones of a place, only the newest, and only while nobody fills it."""
        when, known = self._remembered.get(run, (float("-inf"), []))
        if self._clock.monotonic() - when >= self._remembered_seconds:
            known = await self._hosts(run)
            self._remembered = {run: (self._clock.monotonic(), known)}
        return known

    async def _hosts(self, run: str) -> list[HostInfo]:
        known = [instance for instance in await self._sightings.of(run) if instance.name]
        filled = {instance.name for instance in known if not instance.ended}
        newest: dict[str, Instance] = {}
        for instance in sorted(known, key=lambda found: found.launched):
            if instance.name not in filled:
                newest[instance.name] = instance
        present = [instance for instance in known if not instance.ended]
        present.sort(key=lambda found: (found.up, found.launched))
        return sorted(
            (instance.info() for instance in [*newest.values(), *present]), key=lambda info: places.number_of(info.name)
        )

    async def terminate(self, run: str) -> None:
        """See ``Fleet.terminate``. Raises Unavailable if some would not go."""
        await self._terminate(run, lambda instance: instance.run == run)

    async def tidy(self, run: str) -> None:
        """End hosts of runs before ``run``, for nobody else will; label those of the run whose label is missing. Raises Unavailable.

        Names of runs rise with time, so a run that began since ``run`` was read is not touched.
        """
        await self._terminate("", lambda instance: "" < instance.run < run)
        roster = await read_roster(self._store)
        if roster is not None and roster.run == run:
            await self._label(roster, [instance for instance in await self._sightings.of(run) if instance.up])

    async def _launch(self, run: str, roster: Roster, names: Sequence[str]) -> tuple[list[Instance], str]:
        """Ask one subnet after the other; returns what came, and why it was not all ("" if it was)."""
        made: list[Instance] = []
        left, reason = list(names), ""
        for subnet in self._cloud.subnets:
            if not left:
                break
            try:
                came = await self._ask(run, roster, left, subnet)
            except NoCapacity as short:
                reason = f"{short} ({roster.config.instanceType} in {subnet})"
                _log.warning("run %s: %s", run, reason)
                if short.anywhere:
                    break
                continue
            self._sightings.launched(came)
            made += came
            if len(came) < len(left):
                reason = f"{subnet} had {len(came)} of {len(left)} {roster.config.instanceType}"
                _log.warning("run %s: %s", run, reason)
            taken = {instance.name for instance in came}
            left = [name for name in left if name not in taken]
        return made, reason if left else ""

    async def _ask(self, run: str, roster: Roster, names: Sequence[str], subnet: str) -> list[Instance]:
        """One request. If its token stood for other words before (the template was changed meanwhile), under another token."""
        launches = ",".join(str(roster.launches.get(name, 0)) for name in names)
        kind = roster.config.instanceType
        for again in range(_MISMATCHES):
            attempt = f"{launches}/{again}" if again else launches
            try:
                return await call(f"run {run}", self._instances.run, run, names, attempt, kind, subnet)
            except Mismatch as mismatch:
                _log.warning("run %s: %s; another token is used", run, mismatch)
        raise Unavailable(
            f"EC2 knows {_MISMATCHES} launches of run {run} by other words.", "Stop the flock and start it again."
        )

    async def _label(self, roster: Roster, instances: Iterable[Instance]) -> None:
        for instance in instances:
            agents = places.ranges(roster.hosts.get(instance.name, ()))
            if agents and agents != instance.agents:
                try:
                    await call(instance.id, self._instances.label, instance.id, agents)
                except MurmurError as error:  # for people's eyes only: the launch is right without it
                    _log.warning("%s was not labelled with its agents: %s", instance.id, error)

    async def _roster(self, run: str) -> Roster:
        roster = await read_roster(self._store)
        if roster is None or roster.run != run:
            raise NotFound(f"roster.json is not of run {run}.", "Start the flock again.")
        return roster

    async def _terminate(self, run: str, chosen: Callable[[Instance], bool]) -> None:
        for look in range(LOOKS):
            left = [instance for instance in await self._sightings.of(run) if not instance.ended and chosen(instance)]
            if not left:
                return
            if look:
                await self._clock.sleep(2.0 ** (look - 2))
            await self._end(left)
        raise Unavailable(
            f"{len(left)} instances would not go: {', '.join(instance.id for instance in left[:5])}.",
            "They are asked again; the EC2 console shows what holds them.",
        )

    async def _end(self, instances: Sequence[Instance]) -> None:
        if instances:
            ids = [instance.id for instance in instances]
            await call(ids[0], self._instances.terminate, ids)


def _surplus(instances: Sequence[Instance]) -> list[Instance]:
    """All but the oldest that is up of each place, those that stopped without ending, and those without a place."""
    kept: dict[str, Instance] = {}
    for instance in sorted(instances, key=lambda found: (found.launched, found.id)):
        if instance.up and instance.name:
            kept.setdefault(instance.name, instance)
    keep = {instance.id for instance in kept.values()}
    return [instance for instance in instances if not instance.ended and instance.id not in keep]
