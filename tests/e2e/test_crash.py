"""kill -9 of everything, and Ctrl-C: nothing written is lost, nothing is left running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import psutil
import pytest

from tests.e2e.flock import documents

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


class Murmur(Protocol):
    def __call__(self, *words: str, cwd: Path, **more: Any) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def murmur() -> Iterator[Murmur]:
    """Starts the command. What a failed test left running is ended, and what it said is shown."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*words: str, cwd: Path, **more: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "murmur.cli.main", *words]
        begun.append(
            subprocess.Popen(command, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        )
        return begun[-1]

    yield begin
    for process in begun:
        status = process.poll()
        process.kill()
        if process.stdout and not process.stdout.closed:
            out, err = process.communicate()
            print(f"{process.args!r}: status {status}\n{out.decode()}\n{err.decode()}")


def until(condition: Any, seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not reached within {seconds} s"
        time.sleep(0.2)
    return found


def url_of(home: Path) -> str:
    try:
        return str(json.loads((home / "runtime.json").read_text("utf-8"))["url"])
    except (OSError, ValueError):
        return ""


def status(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/cluster/status", timeout=30).json()
    return found


def digests(url: str) -> list[str]:
    files = httpx.get(f"{url}/cluster/habitat", timeout=30).json()["files"]
    return [file["key"] for file in files if file["key"].endswith(".md")]


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def logs(url: str, agents: int) -> list[list[int]]:
    found = []
    for agent in range(agents):
        answer = httpx.get(f"{url}/cluster/agents/{agent}/log", params={"limit": 500}, timeout=30).json()
        found.append([entry["iteration"] for entry in answer["entries"]])
    return found


def test_after_kill_nine_of_everything_logs_output_and_history_are_there_and_the_run_goes_on(
    murmur: Murmur, tmp_path: Path
) -> None:
    home = tmp_path / ".murmur"
    first = murmur("up", "--port", "0", "--think", "1", cwd=tmp_path)
    everyone: list[psutil.Process] = []
    try:
        url = until(lambda: url_of(home))
        for name, body in documents(14).items():
            httpx.put(f"{url}/cluster/knowledge", params={"key": name}, content=body).raise_for_status()
        config = {"concurrency": 4, "loopIntervalSeconds": 2.0, "minTurnGapSeconds": 0.1}
        begun = httpx.post(
            f"{url}/cluster/start", json={"direction": "Digest every document.", "config": config}
        ).json()
        until(lambda: status(url)["totals"]["turns"] >= 5)
        before = logs(url, 4)
        files = {file["key"] for file in httpx.get(f"{url}/cluster/habitat").json()["files"]}
        everyone = family(first)
    finally:
        first.kill()
        first.communicate()
    until(lambda: gone(everyone), seconds=30)

    second = murmur("up", "--port", "0", cwd=tmp_path)
    try:
        url = until(lambda: (found := url_of(home)) and found != "" and _answers(found) and found)
        after = logs(url, 4)
        for old, new in zip(before, after, strict=True):
            assert new[: len(old)] == old
        assert files <= {file["key"] for file in httpx.get(f"{url}/cluster/habitat").json()["files"]}
        settled = until(lambda: (s := status(url))["state"] == "settled" and s, seconds=150)
        assert settled["run"] == begun["run"]
        assert all(log == list(range(len(log))) for log in logs(url, 4))
        everyone = family(second)
    finally:
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=60)
    assert second.returncode == 0
    until(lambda: gone(everyone), seconds=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/cluster/status", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def knowledge(folder: Path, count: int) -> Path:
    for name, body in documents(count).items():
        path = folder / "notes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder / "notes"


def test_one_shot_run_leaves_results_prints_json_and_nothing_running(murmur: Murmur, tmp_path: Path) -> None:
    notes = knowledge(tmp_path, 6)
    words = ["run", "--knowledge", str(notes), "--direction", "Digest every document.", "--agents", "3"]
    process = murmur(*words, "--interval", "2", "--out", "result", "--json", cwd=tmp_path)
    until(lambda: url_of(tmp_path / ".murmur") or process.poll() is not None)
    everyone = family(process)
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err.decode()
    report = json.loads(out)
    assert report["outcome"] == "settled"
    assert (tmp_path / "result" / "index.md").is_file()
    assert len(list((tmp_path / "result" / "digests").iterdir())) == 6
    until(lambda: gone(everyone), seconds=30)


def test_ctrl_c_stops_cleanly_copies_what_there_is_and_leaves_nothing_running(murmur: Murmur, tmp_path: Path) -> None:
    notes = knowledge(tmp_path, 30)
    words = ["run", "--knowledge", str(notes), "--direction", "Digest every document.", "--agents", "3"]
    process = murmur(*words, "--think", "1", "--out", "result", cwd=tmp_path, start_new_session=True)
    url = until(lambda: url_of(tmp_path / ".murmur"))
    until(lambda: digests(url))
    everyone = family(process)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 130, err.decode()
    assert list((tmp_path / "result").rglob("*.md"))
    until(lambda: gone(everyone), seconds=30)


async def test_second_ctrl_c_ends_everything_at_once(murmur: Murmur, tmp_path: Path) -> None:
    process = murmur(
        "run", "--direction", "Rest.", "--think", "30", "--agents", "3", cwd=tmp_path, start_new_session=True
    )
    url = await asyncio.to_thread(until, lambda: url_of(tmp_path / ".murmur"))
    await asyncio.to_thread(until, lambda: any(agent["turn"] for agent in status(url)["agents"]))
    everyone = family(process)
    os.kill(process.pid, signal.SIGINT)
    await asyncio.sleep(0.5)
    os.kill(process.pid, signal.SIGINT)
    await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 130
    await asyncio.to_thread(until, lambda: gone(everyone), 30)
