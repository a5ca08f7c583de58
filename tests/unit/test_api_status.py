"""The status document: what an agent is said to do, and by which evidence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from murmur import keys
from murmur.config import FlockConfig
from murmur.entry import timestamp
from murmur.errors import NotFound, Unavailable
from murmur.pattern import wiring_for
from murmur.ports import HostInfo, HostMetrics
from murmur.roster import MAX_LAUNCHES, Roster
from tests.unit.api_twins import RUN, entry, flock

NOW = datetime(2026, 11, 23, 6, 0, 0, tzinfo=UTC)


async def agent_of(world, n=0):
    answer = await world.call("GET", "/cluster/status")
    assert answer.status == 200, answer.body
    return answer.json["agents"][n]


async def running(state="running", **more):
    world = flock()
    world.clock.moment = NOW
    await world.be(state, **more)
    return world


async def test_a_flock_never_started_shows_the_agents_it_would_have():
    status = (await flock().call("GET", "/cluster/status")).json
    assert (status["state"], status["run"], status["scripted"]) == ("stopped", "", True)
    assert [agent["name"] for agent in status["agents"]] == [f"agent-{n}" for n in range(8)]
    assert {agent["status"] for agent in status["agents"]} == {"stopped"}
    assert status["agents"][0]["neighbours"] == [1, 7]


@pytest.mark.parametrize(
    ("activity", "last", "control", "status"),
    [
        ("waiting", None, "running", "waiting"),
        ("waiting", "working", "running", "waiting"),
        ("waiting", "idle", "running", "idle"),
        ("waiting", "idle", "settled", "idle"),
        ("waiting", "working", "paused", "paused"),
        ("turn", "idle", "running", "turn"),
        ("turn", "idle", "paused", "turn"),
        ("pacing", "working", "running", "pacing"),
        ("backing-off", "working", "running", "backing-off"),
        ("parked", "working", "running", "parked"),
        ("paused", "working", "paused", "paused"),
        ("stopped", "working", "running", "stopped"),
        ("turn", "working", "stopped", "stopped"),
    ],
)
async def test_what_an_agent_does(activity, last, control, status):
    world = await running(control)
    await world.heartbeat(0, activity=activity, detail="why", until="2026-11-23T06:00:09.000Z")
    if last:
        await world.log(0, entry(0, state=last))
    agent = await agent_of(world)
    assert agent["status"] == status
    assert agent["until"] == ("2026-11-23T06:00:09.000Z" if status in ("pacing", "backing-off") else "")


async def test_an_agent_is_missing_only_after_two_heartbeats_failed_to_come():
    world = await running()
    await world.heartbeat(0, activity="turn")
    for seconds, status in ((0, "turn"), (149, "turn"), (151, "missing")):
        world.clock.moment = NOW + timedelta(seconds=seconds)
        agent = await agent_of(world)
        assert (agent["status"], agent["evidence"]["age_seconds"]) == (status, seconds)
    assert "151" in agent["detail"]


async def test_an_agent_that_never_came_is_starting_and_then_missing():
    world = await running("starting")
    assert (await agent_of(world))["status"] == "starting"
    world.clock.moment = NOW + timedelta(seconds=200)
    assert (await agent_of(world))["status"] == "missing"


async def test_a_heartbeat_of_another_run_counts_for_nothing():
    world = await running()
    await world.heartbeat(0, run="20251123T053236Z", activity="turn", counters={"turns": 9})
    status = (await world.call("GET", "/cluster/status")).json
    assert (status["agents"][0]["status"], status["totals"]["turns"]) == ("starting", 0)


class Fleet:
    def __init__(self, *hosts):
        self.found = list(hosts)

    async def hosts(self, _run):
        return self.found


class Load:
    async def hosts(self, hosts):
        return {host: HostMetrics(12.5, 4096, None, None, True) for host in hosts}


async def test_an_agent_whose_host_is_gone_is_missing_at_once_and_back_with_the_next():
    world = await running()
    roster = Roster.plan(RUN, FlockConfig(), "Go.")
    await world.store.put(keys.ROSTER, roster.to_json())
    gone = HostInfo("71", "host-0", "gone", NOW, "ended with status -9")
    fleet = Fleet(gone)
    world.services = replace(world.services, fleet=fleet, metrics=Load())
    await world.heartbeat(0, activity="turn")
    agent = await agent_of(world)
    assert (agent["status"], agent["detail"]) == ("missing", "host-0 is gone: ended with status -9")
    assert agent["instance"] == {"id": "71", "name": "host-0", "state": "gone", "launches": 0}
    fleet.found.append(HostInfo("72", "host-0", "running", NOW))
    agent = await agent_of(world)
    assert (agent["status"], agent["instance"]["id"], agent["metrics"]["cpu_percent"]) == ("turn", "72", 12.5)
    assert (await agent_of(world, 1))["status"] == "starting"


async def test_counters_are_summed_and_files_counted():
    world = await running()
    await world.heartbeat(0, counters={"turns": 3, "wakes": 5, "gated": 1, "tokens": 100, "cost": 0.1})
    await world.heartbeat(1, counters={"turns": 2, "rescues": 1, "failed_turns": 1, "cost": 0.2})
    await world.store.put("output/a", b"")
    await world.store.put("output/b", b"")
    totals = (await world.call("GET", "/cluster/status")).json["totals"]
    assert totals == {
        "turns": 5,
        "failed_turns": 1,
        "wakes": 5,
        "gated": 1,
        "rescues": 1,
        "tokens": 100,
        "cost": 0.3,
        "files": 2,
        "repairs": 0,
    }


async def test_a_queue_that_does_not_answer_leaves_the_rest_of_the_status():
    world = await running()
    await world.heartbeat(0)
    await world.fabric.wire(RUN, 0, wiring_for("flock", FlockConfig(), 0))
    assert (await agent_of(world))["inbox"] == {"visible": 0, "in_flight": 0, "dead": 0, "oldest_seconds": None}
    for error in (NotFound("gone", "x"), Unavailable("away", "x")):

        class Broken:
            def __init__(self, error):
                self.error = error

            async def depth(self):
                raise self.error

        world.fabric.inbox = lambda _run, _agent, error=error: Broken(error)
        assert (await agent_of(world))["inbox"] is None


async def test_a_damaged_heartbeat_or_roster_does_not_hide_the_flock():
    world = await running()
    await world.store.put(keys.state(0), b"{broken")
    await world.store.put(keys.ROSTER, b"{broken")
    assert (await agent_of(world))["status"] == "starting"


async def test_a_swarm_reads_those_that_wrote_last():
    world = await running()
    await world.store.put(keys.CONFIG, FlockConfig(concurrency=5, algorithm="swarm", swarmK=2).to_json())
    for agent in range(5):
        await world.log(agent, entry(0, ts=timestamp(NOW + timedelta(seconds=agent))))
    agents = (await world.call("GET", "/cluster/status")).json["agents"]
    assert [agent["neighbours"] for agent in agents] == [[3, 4], [3, 4], [3, 4], [2, 4], [2, 3]]


async def test_repairs_and_hosts_that_are_left_alone_are_told():
    world = await running()
    roster = Roster.plan(RUN, FlockConfig.parse({"concurrency": 4, "agentsPerInstance": 2}), "Go.")
    roster = roster.model_copy(update={"launches": {"host-0": 2, "host-1": MAX_LAUNCHES}})
    await world.store.put(keys.ROSTER, roster.to_json())
    fleet = Fleet(HostInfo("71", "host-0", "running", NOW), HostInfo("72", "host-1", "gone", NOW, "killed"))
    world.services = replace(world.services, fleet=fleet, metrics=Load())
    status = (await world.call("GET", "/cluster/status")).json
    assert status["totals"]["repairs"] == 1 + MAX_LAUNCHES - 1
    assert status["notices"] == [f"host-1 died {MAX_LAUNCHES} times and is left alone"]
    assert [agent["instance"]["launches"] for agent in status["agents"]] == [2, 2, MAX_LAUNCHES, MAX_LAUNCHES]
    fleet.found[1] = HostInfo("73", "host-1", "running", NOW)
    assert (await world.call("GET", "/cluster/status")).json["notices"] == []


async def test_hosts_asked_for_and_there_are_counted_and_none_is_made_up():
    world = await running()
    assert (await world.call("GET", "/cluster/status")).json["hosts"] is None
    roster = Roster.plan(RUN, FlockConfig.parse({"concurrency": 4, "agentsPerInstance": 2}), "Go.")
    await world.store.put(keys.ROSTER, roster.model_copy(update={"launches": {"host-0": 1, "host-1": 3}}).to_json())
    fleet = Fleet(HostInfo("71", "host-0", "running", NOW), HostInfo("72", "host-1", "gone", NOW))
    world.services = replace(world.services, fleet=fleet)
    assert (await world.call("GET", "/cluster/status")).json["hosts"] == {"asked": 2, "alive": 1, "restarts": 2}


async def test_an_agent_of_a_stopping_flock_counts_as_stopped_only_when_it_said_so_or_its_host_is_gone():
    world = await running()
    roster = Roster.plan(RUN, FlockConfig.parse({"concurrency": 3, "agentsPerInstance": 2}), "Go.")
    await world.store.put(keys.ROSTER, roster.to_json())
    world.services = replace(
        world.services, fleet=Fleet(HostInfo("71", "host-0", "gone", NOW), HostInfo("72", "host-1", "running", NOW))
    )
    await world.heartbeat(0, activity="turn")
    await world.heartbeat(1, activity="turn", host="host-1")
    await world.heartbeat(2, activity="stopped", host="host-1")
    await world.be("stopping")
    assert [(await agent_of(world, n))["status"] for n in range(3)] == ["stopped", "turn", "stopped"]
    await world.be("stopped")
    assert [(await agent_of(world, n))["status"] for n in range(3)] == ["stopped"] * 3
