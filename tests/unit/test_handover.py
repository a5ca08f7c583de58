"""What a start was asked for reaches its run, wherever the start is cut off; and what somebody wrote since, stands."""

from __future__ import annotations

import pytest

from functions.lifecycle import Lifecycle
from functions.lifecycle.settle import SettleWatch
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import Control, Handover, parse_control, read_control
from murmur.documents import read_config
from murmur.errors import ObjectChanged, Unavailable
from murmur.handover import hand_over
from murmur.memory.fabric import MemoryFabric
from murmur.memory.store import MemoryStore
from murmur.roster import read_roster
from tests.unit.api_twins import AskedControl, Flock, SetClock

WANTED = FlockConfig.parse({"concurrency": 3, "agentsPerInstance": 2})


class NoFleet:
    async def launch(self, run, names):
        return []

    async def hosts(self, run):
        return []

    async def terminate(self, run):
        return None


class CutOff(MemoryStore):
    """Answers nothing any more once control.json was written."""

    cut = False

    async def replace(self, key, body, etag, **more):
        self._check()
        return await super().replace(key, body, etag, **more)

    async def create(self, key, body, **more):
        self._check()
        found = await super().create(key, body, **more)
        self.cut = self.cut or key == keys.CONTROL
        return found

    async def put(self, key, body, **more):
        self._check()
        return await super().put(key, body, **more)

    def _check(self):
        if self.cut:
            raise Unavailable("The process has died.", "")


async def started(world, run):
    life = Lifecycle(
        "b",
        world.store,
        MemoryFabric(world.store),
        NoFleet(),
        world.clock,
        SettleWatch(world.store, MemoryFabric(world.store)),
    )
    await life.start(run)


async def cut_off():
    clock = SetClock()
    store = CutOff(clock)
    world = Flock(store, MemoryFabric(store, clock=clock), AskedControl(), clock)
    assert (
        await world.call("POST", "/cluster/start", body={"direction": "Go.", "config": {"concurrency": 3}})
    ).status == 503
    world.store.cut = False
    return world, (await read_control(world.store)).control


async def test_a_start_cut_off_right_after_control_json_is_carried_on_as_it_was_wanted():
    world, control = await cut_off()
    assert control.state == "starting"
    assert keys.CONFIG not in world.store.put_keys
    await started(world, control.run)
    roster = await read_roster(world.store)
    assert (roster.size, roster.direction) == (3, "Go.")
    assert (await read_config(world.store)).config.concurrency == 3
    assert (await read_control(world.store)).control.handover is None


async def test_a_change_made_after_such_a_start_comes_on_top_of_what_it_wanted():
    world, control = await cut_off()
    assert (await world.call("PUT", "/cluster/config", body={"loopIntervalSeconds": 7})).status == 200
    await started(world, control.run)
    config = (await read_config(world.store)).config
    assert (config.concurrency, config.loopIntervalSeconds) == (3, 7.0)


async def test_what_a_start_wants_is_stored_and_not_shown():
    control = Control(state="starting", run="r", handover=Handover(config=WANTED, direction="x" * 100_000))
    assert "handover" not in control.model_dump()
    assert parse_control(control.to_json()).handover == control.handover
    assert parse_control(control.to("running", "", "t").to_json()).handover is None


@pytest.mark.parametrize("conflicts", [0, 2])
async def test_handing_over_is_repeatable_and_yields_to_whoever_wrote_since(conflicts):
    class Busy(MemoryStore):
        left = 0

        async def replace(self, key, body, etag, **more):
            if self.left:
                self.left -= 1
                raise ObjectChanged(key)
            return await super().replace(key, body, etag, **more)

    store = Busy()
    etag = await store.put(keys.CONFIG, FlockConfig().to_json())
    store.left = conflicts
    wanted = Handover(config=WANTED, config_etag=etag)
    assert await hand_over(store, wanted)
    assert await hand_over(store, wanted)
    assert (await read_config(store)).config == WANTED
    await store.put(keys.CONFIG, FlockConfig.parse({"concurrency": 9}).to_json())
    assert not await hand_over(store, wanted)
    assert (await read_config(store)).config.concurrency == 9
