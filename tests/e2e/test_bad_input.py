"""Bad input, for real: each gets an error that names the remedy, or works; nothing crashes and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

import pytest

from agent.tools.desk import Desk
from murmur import keys
from murmur.aws.adapters import open_adapters
from murmur.entry import LogEntry
from tests.conftest import Cloud
from tests.e2e.flock import documents, flock

QUICK = {"concurrency": 2, "loopIntervalSeconds": 1.0, "minTurnGapSeconds": 0.1, "staggerSeconds": 0.0}


async def test_sixty_four_agents_append_twenty_lines_each_to_one_file_and_none_is_lost_or_doubled(cloud: Cloud) -> None:
    adapters = open_adapters(cloud.settings, cloud.environment)
    random = Random(1)

    async def agent(index: int) -> None:
        for line in range(20):
            desk = Desk(adapters.store, index, frozenset(), line, random=random)
            await desk.fs_write("output/shared.txt", f"agent {index} line {line}", "append")
            desk.close()

    await asyncio.gather(*(agent(index) for index in range(64)))
    lines = (await adapters.store.get("output/shared.txt")).body.decode().splitlines()
    assert len(lines) == 1280
    assert set(lines) == {f"agent {index} line {line}" for index in range(64) for line in range(20)}
    adapters.close()


async def test_odd_documents_are_each_digested_or_told_of(tmp_path: Path) -> None:
    given = {
        "five megabytes.txt": b"The quick brown fox jumps over the lazy dog. " * 116_509,
        "binary.bin": bytes(range(256)) * 64,
        "empty.md": b"",
        "ein Ort mit Leerzeichen und ümläut ☃.md": "# Überschrift\n\nEin Satz über den Schnee. Noch ein Satz.".encode(),
        "one line.txt": b"word " * 40_000,
    }
    async with flock(tmp_path / "home") as running:
        await running.knowledge(given)
        await running.start("Digest every document, then write one index.", **QUICK)
        await running.until_state("settled")
        digests = [name for name in await running.files() if name.startswith("output/digests/")]
        assert len(digests) == len(given)
        await running.check_logs(2)


async def test_empty_knowledge_base_is_said_and_the_flock_settles(tmp_path: Path) -> None:
    async with flock(tmp_path / "home") as running:
        await running.start("Digest every document.", **QUICK)
        await running.until_state("settled")
        (entry,) = await running.log(0)
        assert entry.state == "idle"
        assert "knowledge" in f"{entry.action} {entry.result} {entry.next_intent}"


async def test_direction_of_a_hundred_kilobytes_works_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    async with flock(tmp_path / "home") as running:
        refused = await running.call("POST", "start", 400, json={"direction": "   "})
        assert refused["remedy"]
        await running.start("- one\n- two\n\n" + "Take care. " * 9_400, **QUICK)
        await running.until_state("settled")
        listed = await running.call("GET", "habitat/file", params={"key": "output/checklist.md"})
        body = listed if isinstance(listed, bytes) else json.dumps(listed).encode()
        assert body.count(b"] one ") == 1


async def test_broken_lines_and_five_thousand_entries_in_a_log_do_no_harm(tmp_path: Path) -> None:
    async with flock(tmp_path / "home", think_seconds=0.2) as running:
        await running.knowledge(documents(6))
        await running.start("Digest every document.", **{**QUICK, "concurrency": 3})
        await running.until_state("settled")
        store = open_adapters(running.stack.settings, running.stack._endpoint.environment).store
        log = (await store.get(keys.log(1))).body
        last = LogEntry.from_line(log.splitlines()[-1])
        more = [last.model_copy(update={"iteration": last.iteration + i}).to_line() for i in range(1, 5001)]
        broken = b'{"half": \nnot json at all\n\xff\xfe\x00\n[1,2]\n'
        await running.call("POST", "stop", 202)
        await running.until_state("stopped")
        await store.put(keys.log(1), log + broken + b"".join(more))
        page = await running.call("GET", "agents/1/log", params={"after": last.iteration + 4990})
        assert [e["iteration"] for e in page["entries"]] == list(range(last.iteration + 4991, last.iteration + 5001))
        whole = await running.log(1)
        assert len(whole) == last.iteration + 1 + 5000
        status = await running.status()
        assert status["agents"][1]["last"]["iteration"] == last.iteration + 5000


@pytest.mark.parametrize("command", ["/no/such/agent", "cat", "sh -c 'echo garbage; sleep 30'"])
async def test_an_agent_command_that_is_missing_or_speaks_garbage_parks_with_the_reason(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURMUR_CUSTOM_COMMAND", command)
    async with flock(tmp_path / "home") as running:
        limits = {**QUICK, "concurrency": 1, "runner": "custom", "turnTimeoutSeconds": 3.0, "maxTurnsPerAgent": 2}
        await running.start("Try.", **limits)
        status = await running.until(lambda s: s["agents"][0]["status"] == "parked")
        assert status["agents"][0]["detail"]
        log = await running.log(0)
        assert log[0].failed
        assert log[0].action == "turn failed"
        await running.until_state("settled")
        assert "parked" in (await running.status())["reason"]


async def test_unknown_runner_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    async with flock(tmp_path / "home") as running:
        refused = await running.call("POST", "start", 400, json={"direction": "x", "config": {"runner": "nobody"}})
        assert "scripted" in refused["message"]
        assert (await running.status())["state"] == "stopped"
