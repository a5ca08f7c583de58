"""Eight agents with the model brain do the map workload; a scripted model on loopback decides from what it is shown, as a real one would."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.flock import documents, flock
from tests.stand_ins.endpoint import Asked, Reply, broadcast, call, chunk, endpoint, says

ROOT = Path(__file__).resolve().parents[2]
AGENTS = 8
DIRECTION = "Digest every document of knowledge-base/ into output/digests/, one file each; then write output/index.md."
BLOCK = re.compile(r"```murmur-turn\n(\{.*?\})\n```", re.DOTALL)
QUICK = {"loopIntervalSeconds": 2.0, "minTurnGapSeconds": 0.1, "staggerSeconds": 0.5}


def digest_of(document: str) -> str:
    return "output/digests/" + document.removeprefix("knowledge-base/").replace("/", "-").replace(" ", "-")


def history(messages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any], str]]:
    """Every call so far: tool, arguments, what came of it."""
    made: list[tuple[str, dict[str, Any]]] = []
    results: list[str] = []
    for message in messages:
        made += [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in message.get("tool_calls", [])]
        results += [message["content"]] if message["role"] == "tool" else []
    return [(*one, result) for one, result in zip(made, results, strict=True)]


def decide(asked: Asked, _: int) -> Reply:
    """One answer: look; take the free document nearest to the own number; write its digest; when none is left, the index."""
    messages = asked.body["messages"]
    prompt = messages[1]["content"]
    block = BLOCK.search(prompt)
    assert block is not None
    assert DIRECTION in prompt
    facts, past = json.loads(block[1]), history(messages)
    if not past:
        look = [call("fs_list", 0, prefix="knowledge-base/"), call("fs_list", 1, prefix="output/")]
        return says(chunk({"content": "<think>Where are we?</think>I look."}), *look)
    sources, produced = ([file["path"] for file in json.loads(result)["files"]] for _, _, result in past[:2])
    tool, arguments, result = past[-1]
    if tool == "fs_write" and result.startswith("Wrote"):
        return says(said(f"wrote {arguments['path']}", arguments["path"], "the next one"))
    taken = {
        *produced,
        *(given["path"] for name, given, _ in past if name == "fs_write"),
    }  # those were refused: too late
    if tool == "fs_read" and digest_of(arguments["path"]) not in taken:
        title = result.splitlines()[0].strip("# ")
        content = f"# {title}\n\nOf {arguments['path']}.\n"
        return says(call("fs_write", path=digest_of(arguments["path"]), content=content, mode="create"))
    free = [name for name in sources if digest_of(name) not in taken]
    if free:
        return says(call("fs_read", path=free[(facts["agent"] * len(free)) // facts["of"]]))
    if "output/index.md" not in taken:
        lines = "".join(f"- {digest_of(name)}\n" for name in sources)
        return says(call("fs_write", path="output/index.md", content=f"# Index\n\n{lines}", mode="create"))
    return says(broadcast())


def said(action: str, result: str, intent: str) -> bytes:
    return call("broadcast", action=action, result=result, next_intent=intent, state="working")


async def test_eight_agents_digest_every_document_once_and_settle(tmp_path: Path) -> None:
    given = documents(12)
    async with endpoint(decide) as model, flock(tmp_path / "home") as running:
        await running.knowledge(given)
        began = time.monotonic()
        config: dict[str, Any] = {
            "runner": "model",
            "model": f"{model.url}/v1#scripted",
            "concurrency": AGENTS,
            **QUICK,
        }
        await running.start(DIRECTION, **config)
        status = await running.until_state("settled")
        took = time.monotonic() - began
        files = await running.files()
        logs = await running.check_logs(AGENTS)
        await running.call("POST", "stop", 202)
        await running.until_state("stopped")
    entries = [entry for log in logs.values() for entry in log]
    assert [(entry.action, entry.result) for entry in entries if entry.failed] == []
    assert sorted(files) == sorted([*(digest_of(f"knowledge-base/{name}") for name in given), "output/index.md"])
    writers = Counter(key for entry in entries for key in entry.files)
    assert set(writers.values()) == {1}, "nothing was done twice"
    assert all(log[-1].state == "idle" for log in logs.values())
    assert all(entry.usage and entry.usage.input_tokens for entry in entries)
    assert not status["scripted"]
    print(
        f"\n{AGENTS} agents, {len(given)} documents: {took:.1f} s from start to settled, {status['totals']['turns']} turns, "
        f"{len(model.asked)} model calls, {sum(len(a.raw) for a in model.asked) // len(model.asked)} bytes a request"
    )


async def test_one_command_runs_a_flock_on_a_model(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for name, body in documents(3).items():
        (tmp_path / "notes" / Path(name).name).write_bytes(body)
    async with endpoint(decide) as model:
        words = ["run", "--runner", "model", "--model", f"{model.url}/v1#scripted", "--model-prices", "1/10"]
        words += ["--agents", "2", "--radius", "1", "--interval", "2", "--knowledge", "notes", "--direction", DIRECTION]
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "murmur.cli.main", *words, "--out", "result", "--json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    assert sorted(p.name for p in (tmp_path / "result").rglob("*.md")) == [
        "index.md",
        "note-0.md",
        "note-1.md",
        "note-2.md",
    ]
    told = json.loads(out)
    assert told["outcome"] == "settled", told
