"""Runs as the history tells them: the flock's own among them, with what is known of their beginning and end."""

import io
import zipfile

from functions.lifecycle.archive import archive
from murmur import keys
from murmur.config import FlockConfig
from murmur.control import read_control
from murmur.roster import Roster
from tests.unit.api_twins import RUN, entry, flock


async def begun(direction: str = "Digest."):
    world = flock()
    await world.store.put(keys.ROSTER, Roster.plan(RUN, FlockConfig(concurrency=3), direction).to_json())
    await world.be("running")
    await world.log(0, entry(0), entry(1, files=("output/a.md",)))
    await world.store.put("output/a.md", b"made")
    return world


async def test_the_flocks_own_run_is_read_like_an_earlier_one():
    world = await begun()
    run = (await world.call("GET", f"/cluster/history/{RUN}")).json
    assert (run["current"], run["ended"], run["direction"]) == (True, "", "Digest.")
    assert run["config"]["concurrency"] == 3
    assert run["agents"] == [{"id": 0, "entries": 2}]
    assert [file["key"] for file in run["files"]] == ["output/a.md"]
    log = await world.call("GET", f"/cluster/history/{RUN}/agents/0/log", {"after": "0"})
    assert [one["iteration"] for one in log.json["entries"]] == [1]
    assert (await world.call("GET", f"/cluster/history/{RUN}/file", {"key": "a.md"})).body == b"made"
    assert (await world.call("GET", "/cluster/history/20200101T000000Z")).status == 404


async def test_pauses_are_remembered_and_a_new_run_has_none():
    world = await begun()
    for verb in ("pause", "resume", "pause", "stop"):
        assert (await world.call("POST", f"/cluster/{verb}")).status < 300
    control = (await read_control(world.store)).control
    assert len(control.pauses) == 2
    assert all(pause.since <= pause.until for pause in control.pauses)
    assert (await world.call("GET", f"/cluster/history/{RUN}")).json["pauses"] == [
        pause.model_dump() for pause in control.pauses
    ]
    await world.be("stopped", reason="enough", pauses=control.pauses)
    await world.call("POST", "/cluster/start", body={"direction": "Again."})
    assert (await read_control(world.store)).control.pauses == ()


async def test_how_a_run_ended_is_known_after_the_next_began():
    world = await begun("A goal\nof two lines.")
    await world.be("stopped", reason="settled for 60 seconds (idleTimeoutSeconds)")
    await world.call("POST", "/cluster/start", body={"direction": "Again."})
    await archive(world.store, RUN)
    await world.store.delete([keys.ROSTER])
    (run,) = (await world.call("GET", "/cluster/history")).json["runs"]
    assert (run["run"], run["reason"]) == (RUN, "settled for 60 seconds (idleTimeoutSeconds)")
    assert run["ended"]
    assert run["direction"] == "A goal of two lines."
    detail = (await world.call("GET", f"/cluster/history/{RUN}")).json
    assert (detail["current"], detail["reason"], detail["ended"]) == (False, run["reason"], run["ended"])


async def test_damaged_notes_of_a_run_do_not_hide_it():
    world = flock()
    await world.store.put(keys.history(RUN, keys.log(0)), entry(0).to_line())
    await world.store.put(keys.history(RUN, keys.CONTROL), b"{")
    await world.store.put(keys.history(RUN, keys.ROSTER), b"[]")
    assert (await world.call("GET", "/cluster/history")).json["runs"][0]["entries"] == 1
    assert (await world.call("GET", f"/cluster/history/{RUN}")).json["config"] is None


async def test_all_files_of_a_run_come_as_one_archive():
    world = await begun()
    await archive(world.store, RUN)
    await world.store.delete([keys.ROSTER])
    answer = await world.call("GET", f"/cluster/history/{RUN}/output.zip")
    assert zipfile.ZipFile(io.BytesIO(answer.body)).namelist() == ["a.md"]
    assert f"output-{RUN}.zip" in answer.headers["Content-Disposition"]
    assert (await world.call("GET", "/cluster/history/../output.zip")).status == 400
