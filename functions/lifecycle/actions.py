"""The lifecycle's actions over the ports."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from functions.lifecycle.archive import archive
from functions.lifecycle.lease import LeaseSign
from functions.lifecycle.settle import SettleWatch
from functions.lifecycle.wires import unwire, wire
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import Control, FlockState, move, read_control
from murmur.documents import read_config, read_direction
from murmur.entry import moment, timestamp
from murmur.errors import MurmurError, ObjectChanged
from murmur.handover import hand_over
from murmur.pattern import wiring_for
from murmur.ports import Clock, Fabric, Fleet, HostInfo, LifecycleAction, Store
from murmur.roster import MAX_LAUNCHES, Roster, read_roster, read_roster_document, write_roster

STUCK_SECONDS: Final = 120.0
"""A start or stop that takes longer has lost its function; the tick takes it up again."""
_ATTEMPTS: Final = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Acts on one flock. Safe to run twice, late, or again after dying at any point."""

    bucket: str
    store: Store
    fabric: Fabric
    fleet: Fleet
    clock: Clock
    settle: SettleWatch
    lease: LeaseSign = field(default_factory=LeaseSign)

    async def act(self, action: LifecycleAction, run: str) -> None:
        """What Control.request asks for."""
        await {"start": self.start, "stop": self.stop, "rewire": self.rewire, "tick": self.tick}[action](run)

    async def start(self, run: str) -> None:
        """Archive the run before, wire the fabric, launch the hosts, and say ``running``. A failure stops the flock, saying why."""
        try:
            await self._start(run)
        except MurmurError as error:
            _log.warning("start of %s failed: %s", run, error)
            await self._say("stopping", f"the start failed: {error}", run)
            await self.stop(run)

    async def _start(self, run: str) -> None:
        control = await self._control(run)
        if control is None or control.state != "starting":
            await self.stop(run)  # if it was stopped meanwhile, whatever an attempt before this one made goes, too
            return
        roster = await self._new_roster(run, control)
        for left_over in await self.fabric.runs():
            if left_over != run:
                await unwire(self.fabric, left_over)
        await self._wire(run, roster, await self._config(), range(roster.size))
        names = list(roster.hosts)
        hosts = await (self._launch_as_before(run, names) if roster.launches else self._launch(run, names))
        if not await self._say("running", _absent(hosts), run):
            await self.stop(run)  # stopped meanwhile: what this start made after that goes, too

    async def _new_roster(self, run: str, control: Control) -> Roster:
        """The run's roster, made from what the start was asked for if it is not there yet. Raises ObjectChanged if others write it all the time."""
        read = await read_roster_document(self.store)
        if read.roster is not None and read.roster.run == run:
            return read.roster
        if control.handover is not None:
            await hand_over(self.store, control.handover)
        await archive(self.store, read.roster.run if read.roster else f"before-{run}")
        direction = await read_direction(self.store)
        roster = Roster.plan(run, await self._config(), direction.text)
        for _ in range(_ATTEMPTS):
            try:
                await write_roster(self.store, read, roster)
            except ObjectChanged:
                read = await read_roster_document(self.store)
                if read.roster is not None and read.roster.run == run:
                    return read.roster  # another attempt at this start came first
            else:
                return roster
        raise ObjectChanged(keys.ROSTER)

    async def stop(self, run: str) -> None:
        """End every host, take the rules and queues away, and say ``stopped``. Logs, output and history stay."""
        control = await self._control(run)
        if control is None or control.state not in ("stopping", "stopped"):
            return
        await self.fleet.terminate(run)
        await unwire(self.fabric, run)
        if control.state == "stopping":
            await self._say("stopped", control.reason, run)

    async def rewire(self, run: str) -> None:
        """Re-put every reader's rule after radius or algorithm changed. Waiting messages stay where they are."""
        control, roster = await self._control(run), await read_roster(self.store)
        if control is None or not control.alive or roster is None or roster.run != run:
            return
        await self._wire(run, roster, await self._config(), range(roster.size))

    async def tick(self, run: str) -> None:
        """The regular look: finish what is stuck, bring back what died, settle, and end what has lasted long enough."""
        control = await self._control(run)
        if control is None or control.state == "stopped":
            return
        if control.alive:
            await self.lease.leave(self.store, self.clock, run)
        if control.state in ("starting", "stopping"):
            if self._seconds_since(control.since) > STUCK_SECONDS:
                await (self.start if control.state == "starting" else self.stop)(run)
            return
        roster, config = await read_roster(self.store), await self._config()
        if roster is None or roster.run != run:
            await self._end(run, "roster.json of this run is gone; start the flock again")
        elif why := self._over(control, config):
            await self._end(run, why)
        else:
            alive = await self._repair(run, roster, config)
            await self._settle(control, roster, config, alive)

    def _over(self, control: Control, config: FlockConfig) -> str:
        if control.started and self._seconds_since(control.started) > config.maxRunMinutes * 60:
            return f"the run has lasted {config.maxRunMinutes:g} minutes (maxRunMinutes)"
        if control.state == "settled" and self._seconds_since(control.since) > config.idleTimeoutSeconds:
            return f"settled for {config.idleTimeoutSeconds:g} seconds (idleTimeoutSeconds)"
        return ""

    async def _end(self, run: str, why: str) -> None:
        if await self._say("stopping", why, run):
            await self.stop(run)

    async def _repair(self, run: str, roster: Roster, config: FlockConfig) -> set[str]:
        """Start again the hosts that died, a bounded number of times, and wire again what lost its rule or queue.

        Returns the hosts that are there, or were just started.
        """
        known = await self.fleet.hosts(run)
        hosts = {host.name: host for host in known}
        alive = {host.name for host in known if host.state in ("starting", "running")}
        twice = sum(host.state in ("starting", "running") for host in known) > len(alive)
        missing = [name for name in roster.hosts if name not in alive]
        tries = {name: roster.launches.get(name, 0) for name in missing}
        if missing and not alive and min(tries.values()) >= MAX_LAUNCHES:
            await self._end(run, f"every host died {MAX_LAUNCHES} times; the hosts' logs say why")
            return alive
        again = [name for name in missing if tries[name] < MAX_LAUNCHES and self._rested(hosts.get(name), tries[name])]
        if again:
            _log.warning("run %s: starting %s again", run, ", ".join(again))
            await self._launch(run, again)
        elif twice:
            await self.fleet.launch(run, sorted(alive))  # each has one already: the fleet ends the others
        wired = {circuit.agent for circuit in await self.fabric.circuits(run)}
        await self._wire(run, roster, config, (agent for agent in range(roster.size) if agent not in wired))
        return alive | set(again)

    def _rested(self, host: HostInfo | None, tries: int) -> bool:
        """Whether a host that died may be started again: each time it waits twice as long."""
        return host is None or self.clock.now() - host.launched > timedelta(seconds=2.0**tries)

    async def _settle(self, control: Control, roster: Roster, config: FlockConfig, alive: set[str]) -> None:
        if control.state == "paused":
            return
        alone = roster.left_alone(alive)
        lost = {agent: why for name, why in alone.items() for agent in roster.hosts[name]}
        verdict = await self.settle.check(control, roster, config, lost)
        if verdict.settled and control.state == "running":
            await self._say("settled", verdict.reason, control.run)
        elif control.state == "settled" and verdict.waiting_for:
            await self._say("running", verdict.waiting_for, control.run)

    async def _control(self, run: str) -> Control | None:
        """The control document if ``run`` is still the run."""
        control = (await read_control(self.store)).control
        return control if control.run == run else None

    async def _config(self) -> FlockConfig:
        return (await read_config(self.store)).config

    async def _wire(self, run: str, roster: Roster, config: FlockConfig, agents: Iterable[int]) -> None:
        sized = config.model_copy(update={"concurrency": roster.size})
        await wire(self.fabric, run, {agent: wiring_for(self.bucket, sized, agent) for agent in agents})

    async def _launch_as_before(self, run: str, names: list[str]) -> list[HostInfo]:
        """A start that is taken up again is the same launch, and not counted: the fleet must be able to tell, or it would launch twice.

        What came of it and died meanwhile is left to the repair, which counts.
        """
        died = {host.name for host in await self.fleet.hosts(run) if host.state == "gone"}
        return await self.fleet.launch(run, [name for name in names if name not in died])

    async def _launch(self, run: str, names: list[str]) -> list[HostInfo]:
        """Count the launch before it happens, so that a host that kills its launcher is not started for ever."""
        read = await read_roster_document(self.store)
        if read.roster is None or read.roster.run != run:
            return []
        try:
            await write_roster(self.store, read, read.roster.launched(names))
        except ObjectChanged:
            _log.info("run %s: another action counted a launch first; this one leaves it to that", run)
            return await self.fleet.hosts(run)
        return await self.fleet.launch(run, names)

    async def _say(self, state: FlockState, reason: str, run: str) -> bool:
        return await move(self.store, state, reason, timestamp(self.clock.now()), run=run) is not None

    def _seconds_since(self, ts: str) -> float:
        then = moment(ts)
        return (self.clock.now() - then) / timedelta(seconds=1) if then else 0.0


def _absent(hosts: Sequence[HostInfo]) -> str:
    """In words, which hosts could not be had; "" if all could."""
    gone = [host for host in hosts if host.state == "gone"]
    if not gone:
        return ""
    why = gone[0].detail or "the reason is not known"
    return f"{len(gone)} of {len(hosts)} hosts could not be started ({why}); they are tried again"
