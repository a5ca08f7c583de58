"""The failure matrix: what an agent process does, and what the turn's line in the log says of it.

One row a failure, as measured on real agents (docs/reference/runners.md). ``outcome``: the entry's stop_reason. ``words``: what the
entry says, in its result where no broadcast came, else in refused or doubts. ``kept``: whether the process is used again. No row
leaves a process behind, and an agent's nonsense is no error of Murmur's.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from agent.runner.kinds import kiro
from agent.runner.limits import Limits
from agent.runner.profile import RunnerProfile
from agent.tools.server import ToolServer
from tests.unit.misbehaving.stage import SHORT, Stage

SCRIPT = Path(__file__).parent / "misbehaving" / "agent.py"


@dataclass(frozen=True)
class Row:
    name: str
    behaviour: str
    outcome: str
    words: str = ""
    said: bool = False
    """The agent's broadcast stands in the log; without it the entry is a failure."""
    kept: bool = False
    limited: bool = False
    retry_after: float = 0.0
    fatal: bool = False
    seconds: float = 60
    """Of the whole turn."""
    limits: dict[str, Any] = field(default_factory=dict)


MATRIX = [
    # the process
    Row("the command is not there", "", "error", "'no-such-agent' was not found", fatal=True),
    Row("it exits 0 at once", "exits_at_start", "died", "exited with code 0"),
    Row("it dies at once", "dies_at_once", "died", "code 1; it said: ImportError: no module named brain"),
    Row("it exits 0 when the session opens", "exits_at_session", "died", "exited with code 0"),
    Row("it exits 0 in the turn", "exits_quietly", "died", "exited with code 0"),
    Row("it exits 3 in the turn", "exits", "died", "code 3; it said: out of cheese"),
    Row("a grandchild holds its stdout", "grandchild_holds_stdout", "died", "exited with code 4"),
    Row("it closes its stdout", "closes_stdout", "died", "closed its output"),
    Row("it answers and exits", "answers_and_exits", "end_turn", said=True),
    # silence
    Row("it does not read", "never_reads", "stalled", "did not answer initialize", limits={"start_seconds": 1}),
    Row("it hangs before the session", "session_hangs", "stalled", "session/new", limits={"session_seconds": 0.3}),
    Row("it hangs, and obeys a cancel", "hangs", "stalled", "fell silent", kept=True, limits={"idle_seconds": 0.3}),
    Row("it hangs, and ignores a cancel", "ignores_cancel", "stalled", "did not stop", limits={"idle_seconds": 0.5}),
    Row("it chatters past the deadline", "chatters", "timeout", "longer than allowed", seconds=2),
    # what it prints
    Row("it floods stderr", "stderr_flood", "end_turn", said=True, kept=True),
    Row("it prints junk", "garbage", "end_turn", said=True, kept=True),
    Row("it prints nested junk", "deep", "end_turn", said=True, kept=True),
    Row("it floods with junk", "garbage_flood", "died", "for example: blah"),
    Row("it prints JSON that is no object", "scalar", "died", "JSON that is no message: 42"),
    Row("it prints 20 MB in a line", "long_line", "end_turn", said=True, kept=True, limits={"line_bytes": 64_000_000}),
    Row("it prints a line without an end", "endless_line", "died", "a line of more than 2000000 bytes"),
    Row("it floods with requests", "request_flood", "died", "without waiting for answers"),
    # how it ends the turn
    Row("an unknown stop reason", "unknown_stop", "error", "unknown stop reason 'because'", kept=True),
    Row("an answer that is no object", "not_an_object", "error", "with int, not an object", kept=True),
    Row("an error that is no object", "null_error", "error", "with an error: no", kept=True),
    Row("a refusal", "refusal", "refusal", "ended (refusal) without a broadcast", kept=True),
    Row("cut short after its broadcast", "cut_short", "max_tokens", "cut short (max_tokens)", said=True, kept=True),
    Row("cut short without one", "cut_short_silent", "max_turn_requests", "without a broadcast", kept=True),
    Row("no tools", "no_tools", "no_tools", "never listed the tools", kept=True),
    Row("no broadcast", "no_broadcast", "end_turn", "without a broadcast. It said: I am done, I think.", kept=True),
    Row(
        "two broadcasts", "two_broadcasts", "end_turn", "already broadcast; the first one counts", said=True, kept=True
    ),
    Row(
        "files claimed but not made",
        "claims_falsely",
        "end_turn",
        "output/never.md, which is not",
        said=True,
        kept=True,
    ),
    # the provider
    Row("a rate limit as an error", "rate_limit", "error", "rate limit", kept=True, limited=True, retry_after=12),
    Row(
        "a rate limit as notifications",
        "limit_with_retries",
        "error",
        "Internal error; slow down, please",
        kept=True,
        limited=True,
        retry_after=9,
    ),
    Row("a rate limit as an answer", "limit_as_text", "end_turn", "429 Too Many Requests", kept=True, limited=True),
    Row("not signed in", "not_signed_in", "error", "not signed in: Authentication required", fatal=True, kept=True),
    Row("not signed in, as an answer", "sign_in_as_text", "end_turn", "401 Invalid API key", kept=True),
    Row("another protocol version", "wrong_version", "error", "ACP version 9, Murmur speaks 1", fatal=True),
]


@pytest.fixture
async def tools():
    async with ToolServer() as server:
        yield server


async def left_behind(stage: Stage) -> list[str]:
    """Processes still there after a moment: the kernel takes its time."""
    for _ in range(100):
        if not stage.processes():
            return []
        await asyncio.sleep(0.05)
    return stage.processes()


def limits_of(row: Row) -> Limits:
    return Limits(**{**{f.name: getattr(SHORT, f.name) for f in fields(SHORT)}, **row.limits})


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row.name.replace(" ", "_"))
async def test_whatever_the_agent_does_the_log_says_it_and_no_process_is_left(row: Row, tools, tmp_path, caplog):
    command = (sys.executable, "-S", str(SCRIPT), row.behaviour) if row.behaviour else ("no-such-agent", "acp")
    profile = RunnerProfile("test", command, hear=kiro.hear)
    stage = Stage(tools, tmp_path / "home", profile, limits_of(row))
    await stage.put("output/old.md", "somebody else's")
    try:
        done = await stage.turn(row.seconds)
        entry = done.entry
        assert entry.stop_reason == row.outcome
        assert entry.failed is not row.said
        told = " ".join((*entry.refused, *entry.doubts)) if row.said else entry.result
        assert row.words in told
        assert (done.outcome.rate_limited, done.outcome.retry_after_seconds) == (row.limited, row.retry_after)
        assert done.outcome.fatal is row.fatal
        assert (stage.mind.pid is not None) is row.kept
        assert (await stage.text("store/agent-3.ndjson")).count("\n") == 1, "a turn is one line, whatever happened"
        if not row.kept:
            assert await left_behind(stage) == []
    finally:
        await stage.mind.close()
    assert await left_behind(stage) == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_turn_that_keeps_its_word_leaves_no_doubt(tools, tmp_path):
    profile = RunnerProfile("test", (sys.executable, "-S", str(SCRIPT), "works"))
    stage = Stage(tools, tmp_path / "home", profile, SHORT)
    try:
        entry = (await stage.turn()).entry
    finally:
        await stage.mind.close()
    assert (entry.doubts, entry.refused, entry.files) == ((), (), ("output/new.md",))


async def test_naming_another_agents_file_as_ones_own_is_told(tools, tmp_path):
    profile = RunnerProfile("test", (sys.executable, "-S", str(SCRIPT), "claims_falsely"))
    stage = Stage(tools, tmp_path / "home", profile, replace(SHORT))
    await stage.put("output/old.md", "somebody else's")
    try:
        entry = (await stage.turn()).entry
    finally:
        await stage.mind.close()
    assert entry.doubts == (
        "names output/never.md, which is not there",
        "names output/old.md, which it did not write in this turn",
    )
