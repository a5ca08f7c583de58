"""The lifecycle's actions over the ports."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from functions.lifecycle.archive import archive
from functions.lifecycle.settle import SettleWatch
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import Control, FlockState, move, read_control
from murmur.entry import moment, timestamp
from murmur.errors import MurmurError, ObjectMissing
from murmur.pattern import wiring_for
from murmur.ports import Clock, Fabric, Fleet, HostInfo, LifecycleAction, Store
from murmur.roster import Roster, read_roster

MAX_LAUNCHES: Final = 6
"""How often a host is started in a run, repairs included."""
STUCK_SECONDS: Final = 120.0
"""A start or stop that takes longer has lost its function; the tick takes it up again."""
_AT_ONCE: Final = 16
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
        roster = await self._new_roster(run)
        for left_over in await self.fabric.runs():
            if left_over != run:
                await self._unwire(left_over)
        await self._wire(run, roster, await self._config())
        await self._launch(run, roster, list(roster.hosts))
        if not await self._say("running", "", run):
            await self.stop(run)  # stopped meanwhile: what this start made after that goes, too

    async def _new_roster(self, run: str) -> Roster:
        before = await read_roster(self.store)
        if before is not None and before.run == run:
            return before
        await archive(self.store, before.run if before else f"before-{run}")
        try:
            direction = (await self.store.get(keys.DIRECTION)).body.decode("utf-8", "replace")
        except ObjectMissing:
            direction = ""
        roster = Roster.plan(run, await self._config(), direction)
        await self.store.put(keys.ROSTER, roster.to_json(), content_type="application/json")
        return roster

    async def stop(self, run: str) -> None:
        """End every host, take the rules and queues away, and say ``stopped``. Logs, output and history stay."""
        control = await self._control(run)
        if control is None or control.state not in ("stopping", "stopped"):
            return
        await self.fleet.terminate(run)
        await self._unwire(run)
        if control.state == "stopping":
            await self._say("stopped", control.reason, run)

    async def rewire(self, run: str) -> None:
        """Re-put every reader's rule after radius or algorithm changed. Waiting messages stay where they are."""
        control, roster = await self._control(run), await read_roster(self.store)
        if control is None or not control.alive or roster is None or roster.run != run:
            return
        await self._wire(run, roster, await self._config())

    async def tick(self, run: str) -> None:
        """The regular look: finish what is stuck, bring back what died, settle, and end what has lasted long enough."""
        control = await self._control(run)
        if control is None or control.state == "stopped":
            return
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
            await self._repair(run, roster, config)
            await self._settle(control, roster, config)

    def _over(self, control: Control, config: FlockConfig) -> str:
        if control.started and self._seconds_since(control.started) > config.maxRunMinutes * 60:
            return f"the run has lasted {config.maxRunMinutes:g} minutes (maxRunMinutes)"
        if control.state == "settled" and self._seconds_since(control.since) > config.idleTimeoutSeconds:
            return f"settled for {config.idleTimeoutSeconds:g} seconds (idleTimeoutSeconds)"
        return ""

    async def _end(self, run: str, why: str) -> None:
        if await self._say("stopping", why, run):
            await self.stop(run)

    async def _repair(self, run: str, roster: Roster, config: FlockConfig) -> None:
        """Start again the hosts that died, a bounded number of times, and wire again what lost its rule or queue."""
        hosts = {host.name: host for host in await self.fleet.hosts(run)}
        alive = {name for name, host in hosts.items() if host.state in ("starting", "running")}
        missing = [name for name in roster.hosts if name not in alive]
        tries = {name: roster.launches.get(name, 0) for name in missing}
        if missing and not alive and min(tries.values()) >= MAX_LAUNCHES:
            await self._end(run, f"every host died {MAX_LAUNCHES} times; the hosts' logs say why")
            return
        again = [name for name in missing if tries[name] < MAX_LAUNCHES and self._rested(hosts.get(name), tries[name])]
        if again:
            _log.warning("run %s: starting %s again", run, ", ".join(again))
            await self._launch(run, roster, again)
        wired = {circuit.agent for circuit in await self.fabric.circuits(run)}
        if len(wired) < roster.size:
            await self._each(
                lambda agent: self.fabric.wire(run, agent, wiring_for(self.bucket, config, agent)),
                (agent for agent in range(roster.size) if agent not in wired),
            )

    def _rested(self, host: HostInfo | None, tries: int) -> bool:
        """Whether a host that died may be started again: each time it waits twice as long."""
        return host is None or self.clock.now() - host.launched > timedelta(seconds=2.0**tries)

    async def _settle(self, control: Control, roster: Roster, config: FlockConfig) -> None:
        if control.state == "paused":
            return
        verdict = await self.settle.check(control, roster, config)
        if verdict.settled and control.state == "running":
            await self._say("settled", verdict.reason, control.run)
        elif control.state == "settled" and verdict.waiting_for:
            await self._say("running", verdict.waiting_for, control.run)

    # -- shared steps -----------------------------------------------------------------------------------------------

    async def _control(self, run: str) -> Control | None:
        """The control document if ``run`` is still the run."""
        control = (await read_control(self.store)).control
        return control if control.run == run else None

    async def _config(self) -> FlockConfig:
        try:
            return FlockConfig.from_json((await self.store.get(keys.CONFIG)).body)
        except ObjectMissing:
            return FlockConfig()

    async def _wire(self, run: str, roster: Roster, config: FlockConfig) -> None:
        sized = config.model_copy(update={"concurrency": roster.size})
        await self._each(
            lambda agent: self.fabric.wire(run, agent, wiring_for(self.bucket, sized, agent)), range(roster.size)
        )

    async def _unwire(self, run: str) -> None:
        circuits = await self.fabric.circuits(run)
        await self._each(lambda agent: self.fabric.unwire(run, agent), [circuit.agent for circuit in circuits])

    async def _launch(self, run: str, roster: Roster, names: list[str]) -> None:
        """Count the launch before it happens, so that a host that kills its launcher is not started for ever."""
        await self.store.put(keys.ROSTER, roster.launched(names).to_json(), content_type="application/json")
        await self.fleet.launch(run, names)

    async def _say(self, state: FlockState, reason: str, run: str) -> bool:
        return await move(self.store, state, reason, timestamp(self.clock.now()), run=run) is not None

    async def _each(self, step: Callable[[int], Awaitable[None]], agents: Iterable[int]) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(agent: int) -> None:
            async with gate:
                await step(agent)

        await asyncio.gather(*(one(agent) for agent in agents))

    def _seconds_since(self, ts: str) -> float:
        then = moment(ts)
        return (self.clock.now() - then) / timedelta(seconds=1) if then else 0.0
