"""The model brain as the process it is, behind Murmur's own runner: what it tells is understood there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.runner.kinds import runner_named
from agent.tools.server import ToolServer
from tests.stand_ins.endpoint import FOR_EVER, Reply, Script, broadcast, call, chunk, done, endpoint, refuses, says
from tests.unit.misbehaving.stage import SHORT, Stage

KEY = "sk-model-0123456789"
ROOT = Path(__file__).parents[2]
Play = Callable[..., Any]


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    """Plays one turn against a script, and returns what came of it with the stage and the endpoint."""
    stages: list[Stage] = []

    async def played(script: Script, seconds: float = 60, **variables: str) -> tuple[Any, Stage, Any]:
        async with ToolServer() as tools, endpoint(script) as model:
            host = {
                "PATH": "/usr/bin:/bin",
                "HOME": "/nowhere",
                "AWS_PROFILE": "mine",
                "MURMUR_MODEL_KEY": KEY,
                **variables,
            }
            limits = replace(SHORT, contact_seconds=10, list_seconds=5, grace_seconds=10)
            stage = Stage(
                tools,
                tmp_path / "home",
                runner_named("model"),
                limits,
                model=f"{model.url}/v1#m",
                host_environment=host,
            )
            stages.append(stage)
            try:
                return await stage.turn(seconds), stage, model
            finally:
                await stage.mind.close()

    async with asyncio.timeout(120):
        yield played
    assert [left for stage in stages for left in stage.processes()] == []


async def test_a_turn_writes_its_file_and_says_what_it_used_and_what_it_cost(play: Play) -> None:
    reply = says(call("fs_write", path="output/a.md", content="A"), broadcast(1))
    done, stage, model = await play(lambda *_: reply, MURMUR_MODEL_PRICES="1/10")
    assert (done.entry.failed, done.entry.doubts, done.entry.files) == (False, (), ("output/a.md",))
    assert (done.entry.usage.input_tokens, done.entry.usage.output_tokens) == (100, 10)
    assert done.entry.usage.cost == pytest.approx(0.0002)
    prompt = model.asked[0].body["messages"][1]["content"]
    assert len(prompt) == len(stage.words), "exactly what `murmur prompt` prints, but for the fence's number"
    assert prompt.startswith("```murmur-turn")


async def test_a_rate_limit_is_one_and_names_how_long(play: Play) -> None:
    first = says(call("fs_list"))
    script: Script = lambda _, number: refuses(429, "Slow down", retry_after="300") if number else first  # noqa: E731
    done, _, _ = await play(script)
    assert done.outcome.rate_limited
    assert done.outcome.retry_after_seconds == 300
    assert not done.outcome.fatal
    assert done.entry.usage.input_tokens == 100, "what was used before the failure is counted"


async def test_a_refused_key_parks_and_is_not_shown(play: Play) -> None:
    done, _, _ = await play(lambda *_: refuses(401, f"Incorrect API key provided: {KEY}"))
    assert done.outcome.fatal
    assert "MURMUR_MODEL_KEY" in done.outcome.detail
    assert KEY not in done.entry.to_line().decode()


async def test_a_model_that_is_not_there_parks_with_how_to_get_it(play: Play) -> None:
    done, _, _ = await play(lambda *_: refuses(404, "model 'm' not found"))
    assert done.outcome.fatal
    assert "There is no model 'm' there" in done.outcome.detail


async def test_a_turn_that_takes_too_long_is_cancelled_and_its_stream_closed(play: Play) -> None:
    reply = Reply([chunk({"content": "I"}), FOR_EVER])
    done, _, model = await play(lambda *_: reply, seconds=8)
    assert done.entry.stop_reason == "timeout"
    assert "did not stop" not in done.entry.result
    await model.hung_up.wait()


async def test_a_cut_off_answer_is_partial_and_says_so(play: Play) -> None:
    reply = Reply([chunk({"content": "bla bla"}), done("length")])
    finished, _, _ = await play(lambda *_: reply)
    assert finished.entry.stop_reason == "max_tokens"
    assert finished.entry.failed


async def test_no_large_library_is_loaded_for_an_http_endpoint() -> None:
    code = (
        "import sys, asyncio, httpx; from agent.brains.model.__main__ import main;"
        "from agent.brains.model import openai, turn;"
        "print(sorted({'acp', 'mcp', 'pydantic', 'boto3', 'botocore', 'uvicorn'} & sys.modules.keys()))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    out, _ = await process.communicate()
    assert out.strip() == b"[]", "sixty-four of these share a machine"
