"""A whole flock on the twins in virtual time: it works, settles, keeps quiet, wakes again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from murmur import keys
from murmur.config import FlockConfig
from murmur.entry import timestamp
from murmur.errors import Conflict
from murmur.simulate.flock import SimulatedFlock
from murmur.simulate.time import VirtualClock, run


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
