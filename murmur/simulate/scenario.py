"""One random flock under one random schedule of faults, all drawn from a seed; and whether every invariant held."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from agent.journal import ROLLING, Rolling
from agent.lease import WATCH_SECONDS
from functions.api import operate
from murmur import documents, keys
from murmur.errors import MurmurError
from murmur.simulate import time
from murmur.simulate.check import check
from murmur.simulate.profile import AWS, CALM, DEFAULT, HARSH, Profile
from murmur.simulate.trouble import task
from murmur.simulate.world import World

SETTLE_SECONDS: Final = 1500.0
"""Within this, at most, a flock must settle once nothing goes wrong any more."""
FAREWELL_SECONDS: Final = 180.0
"""Within this and two intervals, every process notices that its run is over: frozen ones thaw, those standing by look up."""
LEASE_SLACK_SECONDS: Final = 2 * WATCH_SECONDS
SHORT: Final = Rolling(bytes=700, keep_lines=2)
"""Logs are rolled after a few lines, so that schedules see it."""
MOST_LAUNCHES: Final = 3
"""Hosts that were started this often are left alone, so that the lifecycle's own limit is not what ends the run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one scenario. ``digest`` is the same whenever the seed is."""

    seed: int
    profile: str
    topology: str
    breaches: tuple[str, ...]
    turns: int
    entries: int
    troubles: int
    runs: int
    seconds: float
    digest: str

    @property
    def held(self) -> bool:
        """Whether every invariant held."""
        return not self.breaches

    def __str__(self) -> str:
        told = "held" if self.held else "BROKEN\n  " + "\n  ".join(self.breaches)
        return (
            f"seed {self.seed} ({self.profile}, {self.topology}): {self.runs} runs, {self.turns} turns, "
            f"{self.entries} entries, {self.troubles} troubles, {self.seconds:.0f} s: {told}"
            + ("" if self.held else f"\n  replay: ./dev test simulation --seed {self.seed}")
        )


def scenario(seed: int, profile: Profile | None = None) -> Verdict:
    """Run the scenario of ``seed`` in virtual time; ``profile`` overrides the weather that the seed would draw."""
    logger = logging.getLogger("agent"), logging.getLogger("functions")
    levels = [one.level for one in logger]
    try:
        for one in logger:
            one.setLevel(max(one.getEffectiveLevel(), logging.CRITICAL))
        return time.run(_Scenario(seed, profile).run())
    finally:
        for one, level in zip(logger, levels, strict=True):
            one.setLevel(level)


class _Scenario:
    def __init__(self, seed: int, profile: Profile | None) -> None:
        self.seed = seed
        self.random = Random(f"murmur-{seed}")
        drawn = self.random.choices((CALM, AWS, DEFAULT, HARSH), (1, 2, 5, 4))[0]
        self.profile = profile or drawn
        self.config = self._draw_config()
        n = self.config["concurrency"]
        self.world = World(
            seed,
            self.profile,
            self.random.choice((0.5, 2.0, 6.0, 6.0, 90.0)),
            rolling=self.random.choice((ROLLING, ROLLING, SHORT)),
            parrot=self.random.randrange(n) if self.random.random() < 0.1 else None,
        )
        if self.random.random() < 0.06:
            self.world.fleet.cursed = f"host-{self.random.randrange(-(-n // self.config['agentsPerInstance']))}"
        self.troubles = 0
        self._batches = 0

    def _draw_config(self) -> dict[str, Any]:
        random = self.random
        n = random.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 12))
        return {
            "concurrency": n,
            "neighbourRadius": random.randint(1, max(1, min(3, n // 2))),
            "algorithm": random.choices(("amorphous", "mesh", "swarm"), (6, 1, 1))[0],
            "swarmK": random.randint(1, 4),
            "agentsPerInstance": random.randint(1, 4),
            "loopIntervalSeconds": random.choice((10.0, 20.0, 30.0)),
            "coalesceMilliseconds": random.choice((0, 50, 500)),
            "minTurnGapSeconds": random.choice((0.0, 1.0, 3.0)),
            "staggerSeconds": random.choice((0.0, 5.0, 60.0)),
            "turnTimeoutSeconds": random.choice((20.0, 20.0, 20.0, 300.0)),
            "maxTurnsPerAgent": random.choice((3, 5, 60, 60, 60)),
            "maxRunMinutes": random.choice((3.0, 120.0, 120.0, 120.0, 120.0, 120.0)),
            "idleTimeoutSeconds": random.choice((15.0, 3600.0, 3600.0, 3600.0)),
            "maxRepeats": random.choice((2, 3, 6)),
            "leaseMinutes": 3.0,
            "outputNews": random.random() < 0.8,
        }

    async def run(self) -> Verdict:
        world = self.world
        await self._start(self.config)
        rough = asyncio.ensure_future(world.pass_time(self.random.uniform(30.0, 120.0)))
        hands = [asyncio.ensure_future(self._operate()), asyncio.ensure_future(self._trouble())]
        await asyncio.wait({rough})
        for hand in hands:
            hand.cancel()
        await asyncio.gather(*hands, return_exceptions=True)
        rough.result()
        await self._calm_down()
        state = world.truth.control().state
        if state == "settled":
            await world.pass_time(2.5 * world.truth.config().loopIntervalSeconds)
        if world.truth.control().alive and self.random.random() < 0.15:
            await self._abandon()
        await self._finish()
        await world.end()
        check(world)
        return self._verdict()

    # -- the end ------------------------------------------------------------------------------------------------------

    async def _calm_down(self) -> None:
        """No more faults: whatever was begun comes to its end, and the flock settles."""
        world = self.world
        world.weather.clear()
        now = world.clock.monotonic()
        for life in world.fleet.lives:
            life.process.doom, life.process.doom_at = 0, ""
        end = now + SETTLE_SECONDS
        again = self.random.random() < 0.7
        while (state := world.truth.control().state) != "settled" and world.clock.monotonic() < end:
            if state == "paused":
                await self._act(operate.resume(world.services))
            elif state == "stopped":
                if not again:
                    return
                again = False
                await self._start({})
            await world.pass_time(5.0)
        if state != "settled":
            reason = world.truth.control().reason
            owed = world.truth.owed(world.watch.reachable(), world.watch.lost())
            world.watch.breach("I6", f"still {state} ({reason}) after {SETTLE_SECONDS:g} s without faults: {owed}")

    async def _abandon(self) -> None:
        """Nobody looks after the flock any more: every process ends by itself, and what comes back afterwards settles again."""
        world = self.world
        minutes = world.truth.config().leaseMinutes
        await world.pass_time(minutes * 60 + LEASE_SLACK_SECONDS, ticks=False)
        if alive := [life.name for life in world.fleet.lives if not life.ended]:
            world.watch.breach("lease", f"still alive although nobody looked for {minutes:g} minutes: {alive}")
        if self.random.random() < 0.5:
            await world.pass_time(60.0)
            await self._calm_down()

    async def _finish(self) -> None:
        world = self.world
        await self._act(operate.stop(world.services))
        end = world.clock.monotonic() + 300.0
        while world.truth.control().state != "stopped" and world.clock.monotonic() < end:
            await world.pass_time(5.0)
        if world.truth.control().state != "stopped":
            world.watch.breach("stop", f"still {world.truth.control().state} after 300 s")
        end = world.clock.monotonic() + 2 * world.truth.config().loopIntervalSeconds + FAREWELL_SECONDS
        while world.clock.monotonic() < end and not all(life.ended for life in world.fleet.lives):
            await world.pass_time(5.0)
        if left := await world.fabric.runs():
            world.watch.breach("stop", f"wired after the end: {left}")
        if alive := [life.name for life in world.fleet.lives if not life.ended]:
            world.watch.breach("stop", f"still alive after the end: {alive}")

    def _verdict(self) -> Verdict:
        world, config = self.world, self.config
        digest = hashlib.sha256()
        for put in world.store.puts:
            digest.update(f"{put.at:.6f} {put.key} {put.writer}\n".encode() + (put.body or b"-"))
        runs = {life.run for life in world.fleet.lives}
        return Verdict(
            self.seed,
            self.profile.name,
            f"{config['concurrency']} agents, {config['algorithm']}, radius {config['neighbourRadius']}",
            tuple(world.watch.breaches),
            len(world.turns),
            sum(put.body is not None and keys.agent_of_log(put.key) is not None for put in world.store.puts),
            self.troubles,
            len(runs),
            world.clock.monotonic(),
            digest.hexdigest()[:16],
        )

    # -- the operator -------------------------------------------------------------------------------------------------

    async def _act(self, act: Any) -> None:
        """One act of the operator. What is refused, or not answered, is left at that."""
        with self.world.watch.operator_acts():
            try:
                await act
            except MurmurError:
                self.troubles += 1

    def _task(self) -> str:
        self._batches += 1
        most = self.random.choice((2, 2, 2, 6)) * int(self.config["concurrency"])
        return task(f"b{self._batches}", self.random.randint(0, most))

    async def _start(self, changes: dict[str, Any]) -> None:
        await self._act(operate.start(self.world.services, self._task(), changes))

    async def _operate(self) -> None:
        while True:
            await asyncio.sleep(self.random.expovariate(1 / self.profile.operator_seconds))
            await self._one_act()

    async def _one_act(self) -> None:
        services, random = self.world.services, self.random
        roster = self.world.truth.roster()
        size = roster.size if roster else 1
        what = random.choice(
            ("direction", "direction", "directive", "radius", "algorithm", "pause", "resume", "resume", "stop", "start")
        )
        if what == "direction":
            await self._act(documents.write_direction(self.world.operator_store, self._task()))
        elif what == "directive":
            body = f"be quick, {random.random()}".encode()
            await self._act(self.world.operator_store.put(keys.directive(random.randrange(size)), body))
        elif what == "radius":
            radius = random.randint(1, max(1, size // 2))
            await self._act(operate.change_config(services, {"neighbourRadius": radius}))
        elif what == "algorithm":
            algorithm = random.choice(("amorphous", "mesh", "swarm"))
            await self._act(operate.change_config(services, {"algorithm": algorithm}))
        elif what == "pause":
            await self._act(operate.pause(services))
        elif what == "resume":
            await self._act(operate.resume(services))
        elif what == "stop":
            await self._act(operate.stop(services))
        else:
            await self._start({})

    # -- trouble ------------------------------------------------------------------------------------------------------

    async def _trouble(self) -> None:
        step = 2.0
        profile, weather, random = self.profile, self.world.weather, self.random
        while True:
            await asyncio.sleep(step * random.uniform(0.5, 1.5))
            if random.random() < profile.outages_per_minute * step / 60:
                self.troubles += 1
                weather.outage_until = self.world.clock.monotonic() + random.uniform(1.0, 15.0)
            if random.random() < profile.crashes_per_minute * step / 60:
                self._crash()
            if random.random() < profile.zombies_per_minute * step / 60:
                self._estrange()

    def _crash(self) -> None:
        process = self.world.fleet.victim()
        if process is None or self._tried(process.name):
            return
        self.troubles += 1
        if self.random.random() < 0.5:
            process.doom = self.random.randint(1, 60)
        else:
            process.doom_at = self.random.choice(
                ("before append", "after append", "before acknowledge", "after acknowledge")
            )

    def _estrange(self) -> None:
        process = self.world.fleet.victim()
        if process is None or self._tried(process.name):
            return
        self.troubles += 1
        if self.random.random() < 0.6:
            process.frozen_until = self.world.clock.monotonic() + self.random.uniform(1.0, 90.0)
        if self.random.random() < 0.8:
            self.world.fleet.lose(process)

    def _tried(self, host: str) -> bool:
        roster = self.world.truth.roster()
        return roster is None or roster.launches.get(host.partition("@")[0], 0) >= MOST_LAUNCHES
