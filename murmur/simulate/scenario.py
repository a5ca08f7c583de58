"""One random flock under one random schedule of faults, all drawn from a seed; and whether every invariant held."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from agent.journal import ROLLING, Rolling
from agent.lease import WATCH_SECONDS
from murmur import keys
from murmur.simulate import time
from murmur.simulate.check import check
from murmur.simulate.fate import Fate
from murmur.simulate.hand import Hand
from murmur.simulate.hush import hushed
from murmur.simulate.profile import AWS, CALM, DEFAULT, HARSH, Profile
from murmur.simulate.world import World

SETTLE_SECONDS: Final = 1500.0
"""Within this, at most, a flock must settle once nothing goes wrong any more."""
FAREWELL_SECONDS: Final = 180.0
"""Within this and two intervals, every process notices that its run is over: frozen ones thaw, those standing by look up."""
LEASE_SLACK_SECONDS: Final = 2 * WATCH_SECONDS
SHORT: Final = Rolling(bytes=700, keep_lines=2)
"""Logs are rolled after a few lines, so that schedules see it."""


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
    with hushed():
        return time.run(_Scenario(seed, profile).run())


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
        self.hand = Hand(self.world, self.random, n)
        self.fate = Fate(self.world, self.random)

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
        await self.hand.start(self.config)
        rough = asyncio.ensure_future(world.pass_time(self.random.uniform(30.0, 120.0)))
        meddling = [asyncio.ensure_future(self._operate()), asyncio.ensure_future(self._strike())]
        await asyncio.wait({rough})
        for work in meddling:
            work.cancel()
        await asyncio.gather(*meddling, return_exceptions=True)
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

    async def _operate(self) -> None:
        await self.hand.go_on(self.profile.operator_seconds)

    async def _strike(self) -> None:
        await self.fate.go_on()

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
                await self.hand.resume()
            elif state == "stopped":
                if not again:
                    return
                again = False
                await self.hand.start({})
            await world.pass_time(5.0)
        if state != "settled":
            reason = world.truth.control().reason
            owed = world.truth.owed(world.watch.reachable(), world.watch.lost())
            world.breach("I6", f"still {state} ({reason}) after {SETTLE_SECONDS:g} s without faults: {owed}")

    async def _abandon(self) -> None:
        """Nobody looks after the flock any more: every process ends by itself, and what comes back afterwards settles again."""
        world = self.world
        minutes = world.truth.config().leaseMinutes
        await world.pass_time(minutes * 60 + LEASE_SLACK_SECONDS, ticks=False)
        if alive := [life.name for life in world.fleet.lives if not life.ended]:
            world.breach("lease", f"still alive although nobody looked for {minutes:g} minutes: {alive}")
        if self.random.random() < 0.5:
            await world.pass_time(60.0)
            await self._calm_down()

    async def _finish(self) -> None:
        world = self.world
        await self.hand.stop()
        end = world.clock.monotonic() + 300.0
        while world.truth.control().state != "stopped" and world.clock.monotonic() < end:
            await world.pass_time(5.0)
        if world.truth.control().state != "stopped":
            world.breach("stop", f"still {world.truth.control().state} after 300 s")
        end = world.clock.monotonic() + 2 * world.truth.config().loopIntervalSeconds + FAREWELL_SECONDS
        while world.clock.monotonic() < end and not all(life.ended for life in world.fleet.lives):
            await world.pass_time(5.0)
        if left := await world.fabric.runs():
            world.breach("stop", f"wired after the end: {left}")
        if alive := [life.name for life in world.fleet.lives if not life.ended]:
            world.breach("stop", f"still alive after the end: {alive}")

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
            tuple(world.breaches),
            len(world.turns),
            sum(put.body is not None and keys.agent_of_log(put.key) is not None for put in world.store.puts),
            self.hand.refused + self.fate.strokes,
            len(runs),
            world.clock.monotonic(),
            digest.hexdigest()[:16],
        )
