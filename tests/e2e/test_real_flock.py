"""The main job, for real: processes, embedded endpoint, ACP agents, MCP tools."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from murmur.aws.clients import Clients
from tests.e2e.flock import Flock, documents, flock, processes

MAP = "Digest every document, then write one index."
REPOSITORY = Path(__file__).resolve().parents[2]
QUICK = {"loopIntervalSeconds": 2.0, "minTurnGapSeconds": 0.1, "staggerSeconds": 0.5}


def folder(path: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file() and not p.is_symlink()
    }


async def check_digests(running: Flock, names: list[str], agents: int, *, killed: bool = False) -> None:
    """Every document digested exactly once, one index, settled logs."""
    files = await running.files()
    assert files.count("output/index.md") == 1
    digests = [name for name in files if name.startswith("output/digests/")]
    assert len(digests) == len(names)
    logs = await running.check_logs(agents)
    writers = Counter(key for log in logs.values() for entry in log for key in entry.files)
    # A host that was killed between a file and its line leaves a file no line tells of; never two lines for one file.
    assert all(writers[name] == 1 or (killed and writers[name] == 0) for name in digests), writers
    assert all(log[-1].state == "idle" for log in logs.values())


@pytest.mark.parametrize("source", ["docs", "licences"])
async def test_flock_digests_a_folder_and_settles_by_itself(tmp_path: Path, source: str) -> None:
    where = REPOSITORY / "docs" if source == "docs" else Path("/usr/share/common-licenses")
    if not where.is_dir():
        pytest.skip(f"{where} is not on this machine")
    given = {name: body for name, body in folder(where).items() if not name.endswith(".png")}
    async with flock(tmp_path / "home") as running:
        await running.knowledge(given)
        await running.start(MAP, concurrency=8, **QUICK)
        status = await running.until_state("settled")
        await check_digests(running, list(given), 8)
        assert status["totals"]["turns"] <= 2 * len(given) + 4 * 8
        assert status["scripted"]


async def test_settled_flock_makes_no_turn_no_line_and_no_write_but_heartbeats(tmp_path: Path) -> None:
    async with flock(tmp_path / "home") as running:
        await running.knowledge(documents(8))
        await running.start(MAP, concurrency=8, **{**QUICK, "loopIntervalSeconds": 1.0})
        before = await running.until_state("settled")
        objects = running.objects()
        await asyncio.sleep(11.0)  # ten intervals and one
        after = await running.status()
        assert after["state"] == "settled"
        assert after["totals"]["turns"] == before["totals"]["turns"]
        written = {key for key, version in running.objects().items() if objects.get(key) != version}
        assert {key for key in written if not key.startswith("state/agent-")} <= {"state/lease.json"}


async def test_new_direction_wakes_a_settled_flock_without_waiting_for_the_interval(tmp_path: Path) -> None:
    async with flock(tmp_path / "home") as running:
        await running.start("Rest.", concurrency=8, **{**QUICK, "loopIntervalSeconds": 3600.0, "outputNews": False})
        await running.until_state("settled")
        before = await running.status()
        await running.call("PUT", "direction", json={"text": "Rest again."})
        await running.until(lambda s: s["totals"]["turns"] == before["totals"]["turns"] + 8, seconds=60)
        await running.until_state("settled")


@pytest.mark.parametrize("victim", ["agent.brains.scripted", "agent.host"])
async def test_killed_mid_turn_the_work_is_finished_and_no_log_has_a_gap(tmp_path: Path, victim: str) -> None:
    given = documents(10)
    async with flock(tmp_path / "home", think_seconds=1.0) as running:
        await running.knowledge(given)
        await running.start(MAP, concurrency=4, **QUICK)
        await running.until(lambda s: s["totals"]["turns"] >= 2 and any(a["turn"] for a in s["agents"]))
        for _ in range(100):  # a turn is counted before the process that takes it is there
            if victims := processes(victim):
                break
            await asyncio.sleep(0.05)
        os.kill(victims[0].pid, signal.SIGKILL)
        await running.until_state("settled")
        await check_digests(running, list(given), 4, killed=True)


async def test_with_every_event_thrown_away_the_fallback_finishes_and_says_how_many_rescues(tmp_path: Path) -> None:
    given = documents(8)
    async with flock(tmp_path / "home") as running:
        events = Clients(running.stack._endpoint.environment).events
        await asyncio.to_thread(events.disable_rule, Name=f"{running.stack.settings.flock}-wakes")
        await running.knowledge(given)
        await running.start(MAP, concurrency=4, **{**QUICK, "loopIntervalSeconds": 3.0})
        status = await running.until_state("settled")
        await check_digests(running, list(given), 4)
        assert status["totals"]["wakes"] == 0
        assert status["totals"]["rescues"] > 0


async def test_stop_leaves_no_process_no_rule_and_no_queue_and_keeps_the_results(tmp_path: Path) -> None:
    async with flock(tmp_path / "home", think_seconds=2.0) as running:
        await running.knowledge(documents(20))
        run = await running.start(MAP, concurrency=4, **QUICK)
        await running.until(lambda s: s["totals"]["files"] >= 1)
        await running.call("POST", "stop", 202)
        await running.until_state("stopped", seconds=40)
        assert processes("agent.host") == []
        assert processes("agent.brains") == []
        assert (await running.call("GET", "queues"))["queues"] == []
        logs = await running.check_logs(4)
        assert any(entry.files for log in logs.values() for entry in log)
        await running.start(MAP, concurrency=2, **QUICK)
        await running.until_state("running", "settled")
        history = await running.call("GET", "history")
        assert run in [item["run"] for item in history["runs"]]


async def test_pause_holds_every_agent_and_resume_lets_them_go_on(tmp_path: Path) -> None:
    given = documents(12)
    async with flock(tmp_path / "home", think_seconds=0.5) as running:
        await running.knowledge(given)
        await running.start(MAP, concurrency=4, **QUICK)
        await running.until(lambda s: s["totals"]["turns"] >= 2)
        await running.call("POST", "pause")
        paused = await running.until(lambda s: all(a["status"] == "paused" for a in s["agents"]))
        await asyncio.sleep(3.0)
        assert (await running.status())["totals"]["turns"] == paused["totals"]["turns"]
        await running.call("POST", "resume")
        await running.until_state("settled")
        await check_digests(running, list(given), 4)
