"""The lifecycle over the twins: starts, stops and ticks that come too late, twice, or after somebody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from functions.lifecycle import Lifecycle
from functions.lifecycle.actions import STUCK_SECONDS
from functions.lifecycle.settle import SettleWatch
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import Control, Handover, read_control, write_control
from murmur.documents import read_config, write_config
from murmur.entry import timestamp
from murmur.errors import ObjectChanged, Unavailable
from murmur.memory.fabric import MemoryFabric
from murmur.memory.store import MemoryStore
from murmur.ports import HostInfo
from murmur.roster import MAX_LAUNCHES, Roster, read_roster, read_roster_document, write_roster
from tests.unit.api_twins import RUN, SetClock

CONFIG = FlockConfig.parse({"concurrency": 4, "agentsPerInstance": 2, "neighbourRadius": 1})
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Hosts:
    """A fleet that keeps what it was asked; ``refused`` names cannot be had."""

    def __init__(self, clock: SetClock) -> None:
        self._clock = clock
        self.there: dict[str, HostInfo] = {}
        self.extra: list[HostInfo] = []
        self.launches: list[tuple[str, ...]] = []
        self.ended: list[str] = []
        self.refused: dict[str, str] = {}
        self.error: Exception | None = None

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        if self.error:
            raise self.error
        self.launches.append(tuple(names))
        for name in names:
            state = "gone" if name in self.refused else "running"
            self.there[name] = HostInfo(name, name, state, self._clock.now(), self.refused.get(name, ""))
        return [self.there[name] for name in names]

    async def hosts(self, run: str) -> list[HostInfo]:
        return [*self.there.values(), *self.extra]

    async def terminate(self, run: str) -> None:
        self.ended.append(run)
        self.there.clear()

    def die(self, name: str, *, ago: timedelta = timedelta(hours=1)) -> None:
        self.there[name] = HostInfo(name, name, "gone", self._clock.now() - ago, "it died")


class Busy(MemoryStore):
    """Somebody else writes ``contested`` before each of the next ``losses`` conditional writes; ``rival`` is what they write."""

    contested = ""
    losses = 0
    rival = b""

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> str:
        await self._contest(key)
        return await super().replace(key, body, etag, content_type=content_type, metadata=metadata)

    async def create(
        self, key: str, body: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> str:
        await self._contest(key)
        return await super().create(key, body, content_type=content_type, metadata=metadata)

    async def _contest(self, key: str) -> None:
        if key == self.contested and self.losses:
            self.losses -= 1
            if self.rival:
                await self.put(key, self.rival)
            raise ObjectChanged(key)


class World:
    """A flock whose lifecycle is acted upon by hand, at a time that is set."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.clock.moment = NOW
        self.store = Busy(self.clock)
        self.fabric = MemoryFabric(self.store, clock=self.clock)
        self.hosts = Hosts(self.clock)
        watch = SettleWatch(self.store, self.fabric)
        self.life = Lifecycle("flock", self.store, self.fabric, self.hosts, self.clock, watch)

    async def be(self, state: str, *, run: str = RUN, ago: float = 0.0, **more: object) -> None:
        then = timestamp(NOW - timedelta(seconds=ago))
        read = await read_control(self.store)
        control = Control.model_validate({"state": state, "run": run, "since": then, "started": then, **more})
        await write_control(self.store, read, control)

    async def starting(self, ago: float = 0.0) -> None:
        await self.be("starting", ago=ago, handover=Handover(config=CONFIG, direction="Go."))

    async def running(self) -> None:
        await self.starting()
        await self.life.act("start", RUN)
        self.hosts.launches.clear()
        assert await self.state() == ("running", "")

    async def state(self) -> tuple[str, str]:
        control = (await read_control(self.store)).control
        return control.state, control.reason

    async def launched(self, **times: int) -> None:
        """Note how often hosts have been launched."""
        read = await read_roster_document(self.store)
        assert read.roster is not None
        launches = {name.replace("_", "-"): count for name, count in times.items()}
        await write_roster(self.store, read, read.roster.model_copy(update={"launches": launches}))


@pytest.fixture
def world() -> World:
    return World()


async def test_a_start_wires_everyone_launches_once_and_takes_left_overs_away(world: World) -> None:
    await world.fabric.wire("20200101T000000Z", 0, next(iter(await wirings())))
    await world.running()
    assert await world.fabric.runs() == [RUN]
    assert len(await world.fabric.circuits(RUN)) == 4
    roster = await read_roster(world.store)
    assert roster is not None
    assert (roster.direction, dict(roster.launches)) == ("Go.", {"host-0": 1, "host-1": 1})


async def wirings() -> list[object]:
    from murmur.pattern import wiring_for  # noqa: PLC0415 - only this test wires by hand

    return [wiring_for("flock", CONFIG, 0)]


async def test_a_start_taken_up_again_is_the_same_launch(world: World) -> None:
    await world.starting()
    world.hosts.error = SystemExit("the function died")
    with pytest.raises(SystemExit):
        await world.life.start(RUN)
    world.hosts.error = None
    await world.life.start(RUN)
    assert world.hosts.launches == [("host-0", "host-1")]
    roster = await read_roster(world.store)
    assert roster is not None
    assert set(roster.launches.values()) == {1}


async def test_a_start_taken_up_again_leaves_a_host_that_died_meanwhile_to_the_repair_which_counts(
    world: World,
) -> None:
    await world.running()
    await world.be("starting")
    world.hosts.die("host-1")
    await world.life.start(RUN)
    assert world.hosts.launches == [("host-0",)]
    await world.life.tick(RUN)
    assert world.hosts.launches[1:] == [("host-1",)]
    roster = await read_roster(world.store)
    assert roster is not None
    assert dict(roster.launches) == {"host-0": 1, "host-1": 2}


async def test_a_start_that_gets_only_some_hosts_runs_and_says_which_are_missing(world: World) -> None:
    await world.starting()
    world.hosts.refused = {"host-1": "no capacity"}
    await world.life.start(RUN)
    state, reason = await world.state()
    assert state == "running"
    assert reason.startswith("1 of 2 hosts could not be started (no capacity)")


async def test_a_start_that_fails_stops_the_flock_and_says_why(world: World) -> None:
    await world.starting()
    world.hosts.error = Unavailable("EC2 gave no instance.", "Ask for more.")
    await world.life.start(RUN)
    state, reason = await world.state()
    assert state == "stopped"
    assert "EC2 gave no instance" in reason
    assert await world.fabric.runs() == []


@pytest.mark.parametrize(("state", "ended"), [("stopping", [RUN]), ("running", [])])
async def test_a_start_that_comes_too_late_makes_nothing(world: World, state: str, ended: list[str]) -> None:
    await world.be(state)
    await world.life.start(RUN)
    assert world.hosts.launches == []
    assert world.hosts.ended == ended
    await world.life.start("20990101T000000Z")
    assert world.hosts.launches == []


async def test_a_start_that_is_stopped_while_it_launches_takes_its_hosts_away_again(world: World) -> None:
    await world.starting()
    launch = world.hosts.launch

    async def stopped_meanwhile(run: str, names: Sequence[str]) -> list[HostInfo]:
        made = await launch(run, names)
        await world.be("stopping")
        return made

    world.hosts.launch = stopped_meanwhile  # type: ignore[method-assign]
    await world.life.start(RUN)
    assert (await world.state())[0] == "stopped"
    assert world.hosts.there == {}
    assert await world.fabric.runs() == []


async def test_two_attempts_at_one_start_agree_on_one_roster(world: World) -> None:
    await world.starting()
    theirs = Roster.plan(RUN, CONFIG, "Theirs.")
    world.store.contested, world.store.losses, world.store.rival = keys.ROSTER, 1, theirs.to_json()
    await world.life.start(RUN)
    roster = await read_roster(world.store)
    assert roster is not None
    assert roster.direction == "Theirs."
    assert (await world.state())[0] == "running"


async def test_a_roster_that_others_write_all_the_time_ends_the_start(world: World) -> None:
    await world.starting()
    world.store.contested, world.store.losses = keys.ROSTER, 99
    await world.life.start(RUN)
    assert (await world.state())[0] == "stopped"
    assert world.hosts.launches == []


@pytest.mark.parametrize("state", ["running", "paused", "settled"])
async def test_a_stop_that_nobody_asked_for_does_nothing(world: World, state: str) -> None:
    await world.be(state)
    await world.life.stop(RUN)
    await world.life.stop("20990101T000000Z")
    assert world.hosts.ended == []


async def test_rewiring_changes_who_reads_whom_and_only_in_a_run_that_lives(world: World) -> None:
    await world.running()
    read = await read_config(world.store)
    await write_config(world.store, read, read.config.merged({"neighbourRadius": 2}))
    before = [circuit.pattern for circuit in await world.fabric.circuits(RUN)]
    await world.life.act("rewire", "20990101T000000Z")
    assert [circuit.pattern for circuit in await world.fabric.circuits(RUN)] == before
    await world.life.act("rewire", RUN)
    assert [circuit.pattern for circuit in await world.fabric.circuits(RUN)] != before


@pytest.mark.parametrize(("state", "after"), [("starting", "running"), ("stopping", "stopped")])
async def test_the_tick_takes_up_what_its_function_lost_and_nothing_that_is_still_young(
    world: World, state: str, after: str
) -> None:
    more = {"handover": Handover(config=CONFIG, direction="Go.")} if state == "starting" else {}
    await world.be(state, **more)
    await world.life.act("tick", RUN)
    assert (await world.state())[0] == state
    await world.be(state, ago=STUCK_SECONDS + 1, **more)
    await world.life.act("tick", RUN)
    assert (await world.state())[0] == after


async def test_the_tick_of_a_flock_that_is_stopped_or_another_run_does_nothing(world: World) -> None:
    await world.be("stopped")
    await world.life.tick(RUN)
    await world.life.tick("20990101T000000Z")
    assert world.store.put_keys == [keys.CONTROL]


@pytest.mark.parametrize(
    ("state", "ago", "why"),
    [
        ("running", CONFIG.maxRunMinutes * 60 + 1, "maxRunMinutes"),
        ("settled", CONFIG.idleTimeoutSeconds + 1, "idleTimeoutSeconds"),
    ],
)
async def test_a_run_that_has_lasted_long_enough_is_ended(world: World, state: str, ago: float, why: str) -> None:
    await world.running()
    await world.be(state, ago=ago)
    await world.life.tick(RUN)
    found, reason = await world.state()
    assert found == "stopped"
    assert why in reason


async def test_a_run_whose_roster_is_gone_is_ended(world: World) -> None:
    await world.running()
    await world.store.delete([keys.ROSTER])
    await world.life.tick(RUN)
    found, reason = await world.state()
    assert found == "stopped"
    assert "roster.json" in reason


async def test_a_host_that_died_is_started_again_after_a_rest(world: World) -> None:
    await world.running()
    world.hosts.die("host-1", ago=timedelta(seconds=1))
    await world.life.tick(RUN)
    assert world.hosts.launches == []
    world.hosts.die("host-1")
    await world.life.tick(RUN)
    assert world.hosts.launches == [("host-1",)]


async def test_a_host_that_dies_too_often_is_left_alone_and_when_all_do_the_run_ends(world: World) -> None:
    await world.running()
    await world.launched(host_0=1, host_1=MAX_LAUNCHES)
    world.hosts.die("host-1")
    await world.life.tick(RUN)
    assert world.hosts.launches == []
    assert (await world.state())[0] == "running"
    await world.launched(host_0=MAX_LAUNCHES, host_1=MAX_LAUNCHES)
    world.hosts.die("host-0")
    world.hosts.die("host-1")
    await world.life.tick(RUN)
    found, reason = await world.state()
    assert found == "stopped"
    assert reason.startswith("every host died")


async def test_two_hosts_in_one_place_are_given_to_the_fleet_to_end_one(world: World) -> None:
    await world.running()
    world.hosts.extra = [HostInfo("other", "host-0", "running", NOW, "")]
    await world.life.tick(RUN)
    assert world.hosts.launches == [("host-0", "host-1")]


async def test_a_repair_that_another_counted_first_is_left_to_that_one(world: World) -> None:
    await world.running()
    world.hosts.die("host-1")
    world.store.contested, world.store.losses = keys.ROSTER, 1
    await world.life.tick(RUN)
    assert world.hosts.launches == []


async def test_a_reader_that_lost_its_queue_is_wired_again(world: World) -> None:
    await world.running()
    await world.fabric.unwire(RUN, 2)
    await world.life.tick(RUN)
    assert [circuit.agent for circuit in await world.fabric.circuits(RUN)] == [0, 1, 2, 3]


async def test_a_paused_flock_is_kept_up_and_never_settles(world: World) -> None:
    await world.running()
    await world.be("paused")
    world.hosts.die("host-1")
    for _ in range(3):
        await world.life.tick(RUN)
    assert world.hosts.launches == [("host-1",)]
    assert (await world.state())[0] == "paused"


async def test_a_settled_flock_somebody_of_which_has_something_to_do_runs_again(world: World) -> None:
    await world.running()
    await world.be("settled")
    await world.life.tick(RUN)  # nobody has written a line yet: that is not rest
    found, reason = await world.state()
    assert found == "running"
    assert reason
