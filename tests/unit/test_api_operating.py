"""Start, stop, pause, resume and configuration: what is allowed when, and that nothing is half done."""

import asyncio
from datetime import UTC, datetime

import pytest

from murmur import keys
from murmur.control import read_control
from murmur.errors import Unavailable
from tests.unit.api_twins import RUN, flock


async def test_a_start_begins_a_run_and_asks_the_lifecycle_for_it():
    world = flock()
    answer = await world.call("POST", "/cluster/start", body={"direction": "Digest.", "config": {"concurrency": 3}})
    assert answer.status == 202
    run = answer.json["run"]
    assert answer.json == {"state": "starting", "run": run}
    assert world.control.asked == [("start", run)]
    control = (await read_control(world.store)).control
    assert (control.state, control.run, control.resumes) == ("starting", run, 0)
    assert control.started
    assert (await world.call("GET", "/cluster/config")).json["concurrency"] == 3
    assert (await world.call("GET", "/cluster/direction")).json["text"] == "Digest."


async def test_a_start_without_body_takes_the_direction_that_stands():
    world = flock()
    await world.call("PUT", "/cluster/direction", body={"text": "Digest."})
    assert (await world.call("POST", "/cluster/start")).status == 202


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"direction": "   \n"},
        {"direction": "x" * (256 * 1024 + 1)},
        {"direction": 7},
        {"direction": "half \ud800"},
        {"direction": "ok", "config": {"concurrency": 0}},
        {"direction": "ok", "config": {"concurrency": 65}},
        {"direction": "ok", "config": {"runner": "rm -rf"}},
        {"direction": "ok", "config": {"runner": "unknown"}},
        {"direction": "ok", "config": {"no such": 1}},
        {"direction": "ok", "config": [1]},
        {"direction": "ok", "confg": {}},
        [],
        "text",
    ],
)
async def test_a_start_that_is_wrong_writes_nothing(body):
    world = flock()
    answer = await world.call("POST", "/cluster/start", body=body)
    assert answer.status == 400, answer.body
    assert answer.json["remedy"]
    assert world.store.put_keys == []
    assert world.control.asked == []


@pytest.mark.parametrize("state", ["starting", "running", "paused", "settled", "stopping"])
async def test_only_one_run_goes_on_at_a_time(state):
    world = flock()
    await world.be(state)
    answer = await world.call("POST", "/cluster/start", body={"direction": "Another."})
    assert answer.status == 409
    assert answer.json["code"] == "wrong_state"
    assert answer.json["remedy"] in answer.json["error"]
    assert keys.DIRECTION not in world.store.put_keys
    assert world.control.asked == []


async def test_of_starts_at_once_exactly_one_wins():
    world = flock()
    answers = await asyncio.gather(
        *(world.call("POST", "/cluster/start", body={"direction": f"goal {n}"}) for n in range(12))
    )
    assert sorted(answer.status for answer in answers) == [202] + [409] * 11
    winner = next(n for n, answer in enumerate(answers) if answer.status == 202)
    assert (await world.call("GET", "/cluster/direction")).json["text"] == f"goal {winner}"
    assert len(world.control.asked) == 1


async def test_a_start_the_lifecycle_cannot_be_asked_for_is_taken_back():
    world = flock()
    world.control.error = Unavailable("The lifecycle does not answer.", "Try again.")
    assert (await world.call("POST", "/cluster/start", body={"direction": "Go."})).status == 503
    assert (await read_control(world.store)).control.state == "stopped"
    world.control.error = None
    assert (await world.call("POST", "/cluster/start", body={"direction": "Go."})).status == 202


async def test_run_names_rise_even_within_one_second():
    world = flock()
    world.clock.moment = datetime(2026, 11, 23, 5, 32, 36, tzinfo=UTC)
    runs = []
    for _ in range(3):
        runs.append((await world.call("POST", "/cluster/start", body={"direction": "Go."})).json["run"])
        await world.be("stopped", runs[-1])
    assert runs == ["20261123T053236Z", "20261123T053237Z", "20261123T053238Z"]


async def test_stop_is_asked_for_until_it_is_done_and_then_changes_nothing():
    world = flock()
    await world.be("running")
    for _ in range(2):
        answer = await world.call("POST", "/cluster/stop")
        assert (answer.status, answer.json) == (202, {"state": "stopping", "run": RUN})
    assert world.control.asked == [("stop", RUN), ("stop", RUN)]
    await world.be("stopped")
    writes = len(world.store.put_keys)
    assert (await world.call("POST", "/cluster/stop")).json["state"] == "stopped"
    assert len(world.store.put_keys) == writes
    assert len(world.control.asked) == 2


async def test_pause_and_resume_are_idempotent_and_each_resume_counts_once():
    world = flock()
    await world.be("running")
    for _ in range(2):
        assert (await world.call("POST", "/cluster/pause")).json["state"] == "paused"
    for _ in range(2):
        assert (await world.call("POST", "/cluster/resume")).json["state"] == "running"
    assert (await read_control(world.store)).control.resumes == 1


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        ("pause", "starting"),
        ("pause", "stopped"),
        ("resume", "stopped"),
        ("resume", "stopping"),
        ("resume", "starting"),
    ],
)
async def test_pause_and_resume_out_of_place_say_what_is_possible(verb, state):
    world = flock()
    await world.be(state)
    answer = await world.call("POST", f"/cluster/{verb}")
    assert answer.status == 409
    assert state in answer.json["message"]
    assert (await read_control(world.store)).control.state == state


async def test_config_merges_and_keeps_the_rest():
    world = flock()
    await world.call("PUT", "/cluster/config", body={"concurrency": 6})
    answer = await world.call("PUT", "/cluster/config", body={"loopIntervalSeconds": 5})
    assert (answer.json["concurrency"], answer.json["loopIntervalSeconds"]) == (6, 5)


async def test_defaults_are_those_that_the_deployment_allows():
    world = flock(cap=3, runners=("claude", "kiro"))
    found = (await world.call("GET", "/cluster/config")).json
    assert (found["concurrency"], found["runner"]) == (3, "claude")
    assert len((await world.call("GET", "/cluster/status")).json["agents"]) == 3
    assert "agent-0 to agent-2" in (await world.call("GET", "/cluster/agents/3/log")).json["remedy"]
    answer = await world.call("PUT", "/cluster/config", body={"swarmK": 2})
    assert answer.status == 200
    assert (answer.json["concurrency"], answer.json["runner"], answer.json["swarmK"]) == (3, "claude", 2)


async def test_a_small_flock_starts_without_a_word_about_its_size():
    world = flock(cap=1)
    answer = await world.call("POST", "/cluster/start", body={"direction": "go"})
    assert answer.status == 202
    assert (await world.call("GET", "/cluster/config")).json["concurrency"] == 1


async def test_what_was_set_is_not_bent_to_the_cap():
    world = flock()
    await world.call("PUT", "/cluster/config", body={"concurrency": 8})
    smaller = flock(cap=4)
    await smaller.store.put(keys.CONFIG, (await world.store.get(keys.CONFIG)).body)
    answer = await smaller.call("PUT", "/cluster/config", body={"swarmK": 2})
    assert answer.status == 400
    assert "capped at 4" in answer.json["message"]
    assert (await smaller.call("PUT", "/cluster/config", body={"concurrency": 4})).status == 200


async def test_config_changes_made_at_once_are_all_kept():
    world = flock()
    changes = [{"concurrency": 6}, {"swarmK": 2}, {"outputNews": False}, {"maxTurnsPerAgent": 9}, {"staggerSeconds": 1}]
    answers = await asyncio.gather(*(world.call("PUT", "/cluster/config", body=change) for change in changes))
    assert {answer.status for answer in answers} == {200}
    found = (await world.call("GET", "/cluster/config")).json
    assert all(found[name] == value for change in changes for name, value in change.items())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"concurrency": -1}, "concurrency"),
        ({"concurrency": 999}, "concurrency"),
        ({"concurrency": "8"}, "concurrency"),
        ({"neighbourRadius": 5}, "neighbourRadius"),
        ({"instanceType": "t3.micro"}, "instanceType"),
        ({"algorithm": "gossip"}, "algorithm"),
        ({"runner": "nobody"}, "runner"),
        ({"loopIntervalSeconds": 0}, "loopIntervalSeconds"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_wrong_config_names_the_field_and_changes_nothing(change, field):
    world = flock()
    answer = await world.call("PUT", "/cluster/config", body=change)
    assert answer.status == 400
    assert field in answer.json["message"]
    assert world.store.put_keys == []


@pytest.mark.parametrize(
    "change", [{"concurrency": 4}, {"agentsPerInstance": 2}, {"instanceType": "m7g.large"}, {"runner": "claude"}]
)
async def test_what_a_run_stands_on_cannot_change_during_it(change):
    world = flock()
    await world.be("running")
    answer = await world.call("PUT", "/cluster/config", body={**change, "swarmK": 3})
    assert answer.status == 409
    assert next(iter(change)) in answer.json["message"]
    assert (await world.call("GET", "/cluster/config")).json["swarmK"] == 4


@pytest.mark.parametrize("change", [{"algorithm": "mesh"}, {"neighbourRadius": 2}, {"swarmK": 2}])
async def test_changing_who_reads_whom_rewires_a_run_and_only_then(change):
    world = flock()
    await world.call("PUT", "/cluster/config", body=change)
    assert world.control.asked == []
    await world.be("running")
    await world.call("PUT", "/cluster/config", body=change)
    assert world.control.asked == []
    await world.call("PUT", "/cluster/config", body={"algorithm": "amorphous", "neighbourRadius": 3, "swarmK": 5})
    assert world.control.asked == [("rewire", RUN)]


async def test_a_direction_is_kept_as_it_was_written_and_has_a_version():
    world = flock()
    text = "# Ziel\n\n" + "Übersetze alles 🐝. " * 5000
    first = (await world.call("PUT", "/cluster/direction", body={"text": text})).json
    assert first["text"] == text
    assert (await world.call("GET", "/cluster/direction")).json == first
    refused = await world.call("PUT", "/cluster/direction", body={"text": "b", "etag": "old"})
    assert refused.status == 409
    assert (await world.call("PUT", "/cluster/direction", body={"text": "b", "etag": first["etag"]})).json[
        "text"
    ] == "b"


async def test_a_directive_belongs_to_an_agent_of_the_flock():
    world = flock()
    path = "/cluster/agents/2/directive"
    assert (await world.call("GET", path)).json == {"agent": 2, "text": "", "etag": ""}
    assert (await world.call("PUT", path, body={"text": "Look at tables."})).status == 200
    assert (await world.call("GET", path)).json["text"] == "Look at tables."
    assert (await world.call("GET", "/cluster/status")).json["agents"][2]["directive"] is True
    for _ in range(2):
        assert (await world.call("DELETE", path)).json == {"ok": True}
    assert (await world.call("GET", path)).json["text"] == ""
    for method, body in (("PUT", {"text": "x"}), ("DELETE", None), ("GET", None)):
        assert (await world.call(method, "/cluster/agents/8/directive", body=body)).status == 404
