"""``murmur prompt`` on a flock that runs: the bucket is reached, and looking changes nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from murmur.cli import exits
from murmur.cli.main import main
from tests.e2e.flock import documents, flock


async def test_it_prints_what_an_agent_of_a_running_flock_would_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    async with flock(home) as on:
        await on.knowledge(documents(2))
        await on.start("Digest every document.", concurrency=2)
        await on.until_state("settled")
        before = on.objects()
        words = ["prompt", "--agent", "1", "--home", str(home), "--json"]
        assert await asyncio.to_thread(main, words) == exits.OK
        told = json.loads(capsys.readouterr().out)
        assert not told["due"], "the flock has settled"
        assert "Digest every document." in told["prompt"]
        log = await on.log(1)
        assert log[-1].action in told["prompt"]
        changed = {key for key, stamp in on.objects().items() if before.get(key) != stamp}
        assert not [key for key in changed if not key.startswith("state/")], "heartbeats go on, nothing else"
        assert (home / "cloud.json").stat().st_mode & 0o077 == 0
        assert await asyncio.to_thread(main, ["prompt", "--agent", "7", "--home", str(home)]) == exits.ERROR
        assert "agent-7" in capsys.readouterr().err
    assert not (home / "cloud.json").exists()
    assert main(["prompt", "--agent", "1", "--home", str(home)]) == exits.USAGE
