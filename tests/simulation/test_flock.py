"""A whole flock on the twins in virtual time: it works, settles, keeps quiet, wakes again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from functions.api import operate
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import read_control
from murmur.entry import timestamp
from murmur.errors import Conflict, Unavailable
from murmur.simulate.check import check
from murmur.simulate.flock import SimulatedFlock
from murmur.simulate.profile import CALM
from murmur.simulate.time import VirtualClock, run
from murmur.simulate.trouble import task
from murmur.simulate.world import World
from tests.simulation import reverts


class Worker:
    """Takes the next free item of a shared list, by create-only files, until none is left."""

    scripted = True

    def __init__(self, agent: int, items: int, think: float = 2.0) -> None:
        self.agent, self.items, self.think = agent, items, think
        self.turns = 0

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        self.turns += 1
        desk.listed.set()
        await asyncio.sleep(self.think)
        done = {f["path"] for f in json.loads(await desk.fs_list("output/", limit=200))["files"]}
        for item in range(self.items):
            path = f"output/{(item + self.agent * 3) % self.items}.md"
            if path in done:
                continue
            try:
                await desk.fs_write(path, f"by {self.agent}", "create")
            except Conflict:
                continue
            left = len(done) + 1 < self.items
            await desk.broadcast("wrote", path, "go on", "working" if left else "idle")
            return TurnOutcome("end_turn")
        await desk.broadcast("looked", "nothing left", "rest", "idle")
        return TurnOutcome("end_turn")

    async def close(self) -> None:
        return


def make(
    n: int, items: int, *, think: float = 2.0, carrier=None, **config: object
) -> tuple[SimulatedFlock, list[Worker]]:
    workers = [Worker(agent, items, think) for agent in range(n)]
    settings = FlockConfig.parse({"concurrency": n, "agentsPerInstance": 4, "loopIntervalSeconds": 30.0, **config})
    more = {} if carrier is None else {"carrier": carrier}
    return SimulatedFlock(settings, lambda agent: workers[agent], VirtualClock(), 7, **more), workers


async def check_logs(flock: SimulatedFlock, n: int) -> None:
    for agent in range(n):
        log = await flock.log(agent)
        assert [e.iteration for e in log] == list(range(len(log)))


def test_flock_does_each_item_once_settles_and_then_makes_no_turn() -> None:
    async def main() -> None:
        flock, workers = make(8, 20)
        await flock.start("do it")
        assert await flock.until("settled", within_seconds=600) == "settled"
        files = (await flock.store.list(keys.OUTPUT)).objects
        assert len(files) == 20
        await check_logs(flock, 8)
        causes = Counter([e.cause for a in range(8) for e in await flock.log(a)])
        assert causes["neighbour"] > 0
        turns = sum(w.turns for w in workers)
        assert turns <= 20 + 3 * 8
        lines = [await flock.log(a) for a in range(8)]
        flock.store.put_keys.clear()
        await flock.until("stopped", within_seconds=300)
        assert sum(w.turns for w in workers) == turns
        assert [await flock.log(a) for a in range(8)] == lines
        assert all(key.startswith(keys.STATE) for key in flock.store.put_keys)
        assert len(flock.store.put_keys) <= 8 * (300 / 60 + 1)
        await flock.stop()

    run(main())


def test_new_direction_wakes_a_settled_flock_at_once() -> None:
    async def main() -> None:
        flock, workers = make(8, 8)
        await flock.start("do it")
        assert await flock.until("settled", within_seconds=600) == "settled"
        before = [w.turns for w in workers]
        await flock.store.put(keys.DIRECTION, b"do it again")
        await asyncio.sleep(3.0)
        assert [w.turns - b for w, b in zip(workers, before, strict=True)] == [1] * 8
        assert await flock.until("settled", within_seconds=600) == "settled"
        await flock.stop()

    run(main())


def test_a_wake_counts_once_also_if_the_store_does_not_answer_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        flock, _ = make(2, 0)
        await flock.start("do it")
        assert await flock.until("settled", within_seconds=600) == "settled"
        loops = flock.fleet.loops.values()
        before = [loop.counters.wakes for loop in loops]
        silent, get = [keys.DIRECTION] * 3, flock.store.get

        async def hard_of_hearing(key: str, **more: Any) -> Any:
            if key in silent:
                silent.pop()
                raise Unavailable("No answer.", "Try again.")
            return await get(key, **more)

        monkeypatch.setattr(flock.store, "get", hard_of_hearing)
        await flock.store.put(keys.DIRECTION, b"do it again")
        await asyncio.sleep(10.0)
        assert not silent
        told = [[d.key for d in loop.state.deliveries].count(keys.DIRECTION) for loop in loops]
        assert told == [1, 1]
        assert [loop.counters.wakes - b for loop, b in zip(loops, before, strict=True)] == [1, 1]
        await flock.stop()

    run(main())


def test_with_every_event_lost_the_fallback_finishes_and_counts_rescues() -> None:
    async def main() -> None:
        flock, _ = make(8, 20, carrier=lambda _inbox, _body: None)
        await flock.start("do it")
        assert await flock.until("settled", within_seconds=3000) == "settled"
        assert len((await flock.store.list(keys.OUTPUT)).objects) == 20
        rescues = sum(loop._heart.state.counters.rescues for loop in flock.fleet.loops.values())
        assert rescues > 0
        await check_logs(flock, 8)
        await flock.stop()

    run(main())


def test_killed_hosts_come_back_and_finish_without_gaps() -> None:
    async def main() -> None:
        flock, _ = make(8, 20)
        await flock.start("do it")
        await asyncio.sleep(4.2)
        await flock.fleet.kill(flock.run, "host-0")
        assert await flock.until("settled", within_seconds=900) == "settled"
        await check_logs(flock, 8)
        assert len((await flock.store.list(keys.OUTPUT)).objects) == 20
        causes = Counter([e.cause for a in range(4) for e in await flock.log(a)])
        assert causes["repair"] >= 1
        await flock.stop()

    run(main())


def test_an_agent_that_begins_again_takes_up_its_turn_at_once_and_waits_for_no_wake() -> None:
    async def main() -> None:
        flock, workers = make(4, 20, think=60.0, carrier=lambda _inbox, _body: None, loopIntervalSeconds=120.0)
        await flock.start("do it")
        await asyncio.sleep(30.0)
        assert [worker.turns for worker in workers] == [1] * 4
        before = dict(flock.fleet.loops)
        await flock.fleet.kill(flock.run, "host-0")
        for _ in range(20):
            await flock.until("stopped", within_seconds=1.0)
            if all(flock.fleet.loops[agent] is not loop for agent, loop in before.items()):
                break
        await asyncio.sleep(5.0)
        assert [worker.turns for worker in workers] == [2] * 4
        await flock.stop()

    run(main())


def test_paused_flock_makes_no_turns_and_resume_wakes_it() -> None:
    async def main() -> None:
        flock, workers = make(4, 40, agentsPerInstance=2)
        await flock.start("do it")
        await asyncio.sleep(5.0)
        await flock.change(state="paused", since=timestamp(flock.clock.now()))
        await asyncio.sleep(5.0)
        turns = sum(w.turns for w in workers)
        await flock.until("stopped", within_seconds=200)
        assert sum(w.turns for w in workers) == turns
        await flock.change(state="running", resumes=1)
        await asyncio.sleep(5.0)
        assert sum(w.turns for w in workers) > turns
        assert "resume" in [e.cause for a in range(4) for e in await flock.log(a)]
        await flock.stop()

    run(main())


def test_a_settled_flock_stops_itself_after_its_idle_timeout_and_not_before() -> None:
    async def main() -> None:
        flock, workers = make(4, 4, idleTimeoutSeconds=90.0)
        await flock.start("do it")
        assert await flock.until("settled", within_seconds=600) == "settled"
        settled_at, turns = flock.clock.monotonic(), sum(w.turns for w in workers)
        assert await flock.until("stopped", within_seconds=600) == "stopped"
        assert 90.0 <= flock.clock.monotonic() - settled_at <= 95.0
        assert sum(w.turns for w in workers) == turns
        control = (await read_control(flock.store)).control
        assert "idleTimeoutSeconds" in control.reason
        assert await flock.fabric.runs() == []
        assert await flock.fleet.hosts(flock.run) == []

    run(main())


class Parrot(Worker):
    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        self.turns += 1
        desk.listed.set()
        await asyncio.sleep(self.think)
        await desk.broadcast("I wait", "for the others", "to begin", "working")
        return TurnOutcome("end_turn")


def test_an_agent_that_says_the_same_again_and_again_is_parked_and_a_new_direction_frees_it() -> None:
    async def main() -> None:
        workers = [Parrot(0, 0), Parrot(1, 0)]
        config = FlockConfig.parse({"concurrency": 2, "maxRepeats": 4, "idleTimeoutSeconds": 3600.0})
        flock = SimulatedFlock(config, lambda agent: workers[agent], VirtualClock(), 7)
        await flock.start("do it")
        assert await flock.until("settled", within_seconds=900) == "settled"
        assert [w.turns for w in workers] == [4, 4]
        reason = (await read_control(flock.store)).control.reason
        assert "2 of them parked" in reason
        assert "maxRepeats" in reason
        await flock.store.put(keys.DIRECTION, b"do something else")
        assert await flock.until("running", within_seconds=60) == "running"
        assert await flock.until("settled", within_seconds=900) == "settled"
        assert [w.turns for w in workers] == [8, 8]
        await flock.stop()

    run(main())


def test_agents_that_nobody_looks_after_end_by_themselves_in_the_midst_of_a_turn() -> None:
    async def main() -> list[str]:
        world = World(3, CALM, 3000.0)
        config = {"concurrency": 3, "leaseMinutes": 3.0, "turnTimeoutSeconds": 7200.0}
        await operate.start(world.services, task("b1", 6), config)
        await world.pass_time(30.0)
        assert sum(life.turning for life in world.fleet.lives) == 3
        await world.pass_time(3 * 60 + 60.0, ticks=False)
        ended = [life.ended for life in world.fleet.lives]
        lines = [world.truth.told(life.run, life.agent).lines for life in world.fleet.lives]
        assert [[line.failed for line in of_one] for of_one in lines] == [[True]] * 3
        await world.end()
        return ended

    assert all("leaseMinutes" in why for why in run(main()))


def test_a_lost_process_ends_its_turn_when_its_run_is_over() -> None:
    async def main() -> None:
        world = World(3, CALM, 3000.0)
        await operate.start(world.services, task("b1", 2), {"concurrency": 1, "turnTimeoutSeconds": 7200.0})
        await world.pass_time(30.0)
        life = world.fleet.lives[0]
        assert life.turning
        world.fleet.lose(life.process)
        life.process.frozen_until = world.clock.monotonic() + 30.0
        await operate.stop(world.services)
        await world.pass_time(10.0)
        await operate.start(world.services, task("b2", 2), {})
        await world.pass_time(55.0)
        assert (life.turning, life.ended) == (False, f"run {life.run} is over")
        assert not world.truth.told(life.run, 0).lines
        await world.end()

    run(main())


def a_line_of_the_run_before_lands_late() -> list[str]:
    """A frozen process of an ended run begins its agent's log in the next one. Returns the breaches."""

    async def main() -> list[str]:
        world = World(3, CALM, 20.0)
        await operate.start(world.services, task("b1", 2), {"concurrency": 2, "agentsPerInstance": 1})
        await world.pass_time(10.0)
        zombie = next(life for life in world.fleet.lives if life.agent == 0)
        create = zombie.store.create

        async def late_create(key: str, body: bytes, **more: Any) -> str:
            if key == keys.log(0):
                zombie.process.frozen_until = world.clock.monotonic() + 60.0
            return await create(key, body, **more)

        zombie.store.create = late_create  # type: ignore[method-assign]
        while not zombie.process.frozen_until:
            await world.pass_time(5.0)
        world.fleet.lose(zombie.process)
        await operate.stop(world.services)
        await world.pass_time(10.0)
        world._think = 200.0
        await operate.start(world.services, task("b2", 2), {"turnTimeoutSeconds": 7200.0})
        await world.pass_time(60.0)
        late = [put for put in world.store.puts if put.key == keys.log(0) and put.writer == zombie.name]
        assert len(late) == 1  # it was too late for its own run, and its log was not there to compare with
        await world.pass_time(600.0)
        check(world)
        await world.end()
        lines = world.truth.told(world.truth.control().run, 0).lines
        return [*world.breaches, *([] if lines else ["the agent never appended"])]

    return run(main())


def test_a_line_of_the_run_before_is_seen_by_nobody_and_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert a_line_of_the_run_before_lands_late() == []
    reverts.runs_share_their_logs(monkeypatch)
    assert a_line_of_the_run_before_lands_late()


def test_a_replaced_process_ends_its_turn_with_its_next_heartbeat() -> None:
    async def main() -> None:
        world = World(3, CALM, 3000.0)
        await operate.start(world.services, task("b1", 2), {"concurrency": 1, "turnTimeoutSeconds": 7200.0})
        await world.pass_time(30.0)
        life = world.fleet.lives[0]
        world.fleet.lose(life.process)
        await world.pass_time(100.0)
        assert not life.turning
        newest = world.fleet.lives[-1]
        assert newest.turning
        assert newest is not life
        await world.end()

    run(main())


def test_a_host_that_always_dies_is_left_alone_and_the_rest_of_the_flock_settles_without_it() -> None:
    async def main() -> str:
        world = World(3, CALM, 2.0)
        world.fleet.cursed = "host-1"
        await operate.start(world.services, task("b1", 6), {"concurrency": 4, "agentsPerInstance": 2})
        for _ in range(200):
            await world.pass_time(5.0)
            if world.truth.control().state == "settled":
                break
        launches = world.fleet.launches
        assert [launches[world.truth.control().run, name] for name in ("host-0", "host-1")] == [1, 6]
        await world.end()
        return world.truth.control().reason

    assert "host-1 died 6 times and is left alone" in run(main())
