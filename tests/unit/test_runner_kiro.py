"""The kiro profile against a stand-in that replays kiro-cli's documented wire behaviour (tests/stand_ins/kiro.py)."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.runner.kinds import runner_named
from agent.runner.kinds.kiro import KIRO, hear
from agent.runner.note import Note
from agent.tools.server import ToolServer
from tests.unit.misbehaving.stage import SHORT, Stage

STAND_IN = Path(__file__).parents[1] / "stand_ins" / "kiro.py"


@pytest.fixture
async def tools():
    async with ToolServer() as server:
        yield server


@pytest.fixture
async def kiro(tools, tmp_path):
    """Makes a stage with kiro-cli on it, in the scene of the API key."""
    program = tmp_path / "bin" / "kiro-cli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {STAND_IN} "$@"\n')
    program.chmod(0o755)
    stages = []

    def make(scene="works", profile=KIRO, limits=SHORT, **options):
        host = {"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": "/nowhere", "AWS_PROFILE": "mine"}
        host |= {"KIRO_API_KEY": f"ksk_{scene}"} if scene else {}
        stage = Stage(tools, tmp_path / "home", profile, limits, host_environment=host, **options)
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        await stage.mind.close()


async def test_a_turn_succeeds_and_its_metering_is_recorded(kiro):
    entry = (await kiro().turn()).entry
    assert (entry.stop_reason, entry.failed, entry.doubts) == ("end_turn", False, ())
    assert entry.usage.model_dump()["credits"] == 0.0125
    assert entry.usage.model_dump()["context_percent"] == 6.1875
    assert entry.to_line().count(b'"credits":0.0125') == 1


async def test_sessions_are_terminated_so_that_the_process_does_not_grow(kiro):
    stage = kiro()
    for _ in range(3):
        entry = (await stage.turn()).entry
        assert entry.result.startswith("sessions=1 "), "the one before is gone when the next begins"


async def test_the_agent_has_the_flocks_tools_and_no_others(kiro):
    stage = kiro()
    await stage.turn()
    file = json.loads((stage.home / ".kiro/agents/murmur.json").read_text())
    assert file["tools"] == file["allowedTools"] == ["@murmur"]
    assert file["includeMcpJson"] is False
    assert "--trust-all-tools" not in KIRO.command
    settings = json.loads((stage.home / ".kiro/settings/cli.json").read_text())
    assert settings == {"app.disableAutoupdates": True, "telemetry.enabled": False}


async def test_the_model_is_named_on_the_command_line(kiro):
    entry = (await kiro(model="claude-sonnet-5").turn()).entry
    assert "model=claude-sonnet-5" in entry.result


async def test_a_rate_limit_is_told_with_the_last_warning_and_how_long_to_wait(kiro):
    stage = kiro("rate_limit")
    done = await stage.turn()
    assert done.entry.failed
    assert "Internal error" in done.entry.result
    assert "temporarily unavailable" in done.entry.result
    assert done.outcome.rate_limited
    assert done.outcome.retry_after_seconds == 9.0
    assert not done.outcome.fatal
    assert stage.mind.pid is not None, "a provider's error is no reason to lose the process"


async def test_a_warning_of_retries_is_attached_where_nothing_better_was_said(kiro):
    note = hear("kiro.dev/session/update", {"update": {"sessionUpdate": "retry_warning", "delaySecs": 3.0}})
    assert note == Note(warning="retrying", retry_after_seconds=3.0)


async def test_a_months_quota_that_is_used_up_is_fatal(kiro):
    done = await kiro("spent").turn()
    assert done.outcome.fatal
    assert "monthly usage limit" in done.entry.result


async def test_a_missing_agent_is_fatal_before_any_prompt_is_spent(kiro):
    profile = replace(KIRO, home_files={})
    stage = kiro(profile=profile)
    done = await stage.turn()
    assert done.outcome.fatal
    assert "no agent 'murmur', it would run 'kiro_default'" in done.entry.result
    assert done.entry.usage is None, "no prompt was sent"
    assert stage.mind.pid is None


async def test_a_broken_agent_file_is_fatal(kiro):
    profile = replace(KIRO, home_files={".kiro/agents/murmur.json": "{not json"})
    done = await kiro(profile=profile).turn()
    assert done.outcome.fatal
    assert "agent file" in done.entry.result


async def test_a_model_that_is_not_there_is_fatal(kiro):
    done = await kiro(model="claude-nowhere-9").turn()
    assert done.outcome.fatal
    assert "claude-nowhere-9" in done.entry.result


async def test_a_missing_key_is_fatal_and_named(kiro):
    done = await kiro("").turn()
    assert done.outcome.fatal
    assert "not signed in" in done.entry.result


async def test_without_the_engine_named_it_exits_and_the_log_says_so(kiro):
    profile = replace(KIRO, command=("kiro-cli", "acp", "--agent", "murmur"))
    done = await kiro(profile=profile).turn()
    assert done.entry.stop_reason == "died"
    assert "unexpected argument" in done.entry.result


async def test_a_turn_moved_to_another_model_is_a_turn(kiro):
    entry = (await kiro("fallback").turn()).entry
    assert not entry.failed


async def test_a_silent_turn_is_cancelled_and_the_process_kept(kiro):
    stage = kiro("hangs", limits=replace(SHORT, idle_seconds=0.3, grace_seconds=20))
    done = await stage.turn()
    assert done.entry.stop_reason == "stalled"
    assert stage.mind.pid is not None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"update": 7},
        {"update": {"sessionUpdate": "retry_warning", "delaySecs": "soon", "message": 4}},
        {"message": ["x"]},
        {"meteringUsage": [3, {"value": -1}, {"value": "x"}], "contextUsagePercentage": None},
    ],
)
@pytest.mark.parametrize(
    "method", ["session/update", "error/rate_limit", "metadata", "agent/config_error", "model/not_found", "new/thing"]
)
def test_a_notification_of_another_shape_breaks_nothing(method, fields):
    note = hear(f"kiro.dev/{method}", fields)
    assert note is None or isinstance(note, Note)


def test_the_dialect_is_not_taken_for_another_agents():
    assert hear("session/update", {"update": {"sessionUpdate": "retry_warning"}}) is None


def test_the_runner_is_known_by_name_and_needs_its_key():
    profile = runner_named("kiro", {})
    assert profile.keys == ("KIRO_API_KEY",)
    assert profile.key_found({"KIRO_API_KEY": "ksk_x"}) == "KIRO_API_KEY"
    assert profile.key_found({}) == ""
