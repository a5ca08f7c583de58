"""docs/explanation/wake.md names the files of the wake path in reading order: a wake really goes through them so, and by no other way."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from murmur import keys
from murmur.config import FlockConfig
from murmur.entry import LogEntry, timestamp
from murmur.simulate.flock import SimulatedFlock
from murmur.simulate.time import VirtualClock, run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "explanation" / "wake.md").read_text("utf-8")
SECTION = PAGE.split("## In the code, in reading order\n")[1].split("\n## ")[0]
STEPS = re.findall(r"^\d+\. `([a-z_/]+\.py)`, `([\w.]+)`:", SECTION, re.MULTILINE)
MODULES = {f"agent/{path.name}" for path in (ROOT / "agent").glob("*.py")} - {"agent/__init__.py"}


class Mind:
    """Says that it is done; in later turns it leaves a file, so that there is something to append."""

    scripted = True
    turns = 0

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        desk.listed.set()
        self.turns += 1
        if self.turns > 1:
            await desk.fs_write("output/more.md", "more", "create")
        await desk.broadcast("looked", "at what there is", "rest", "idle")
        return TurnOutcome("end_turn")

    async def close(self) -> None:
        return


@contextmanager
def calls() -> Iterator[list[tuple[str, str]]]:
    """Functions of ours as they are entered or gone on with: file and qualified name."""
    seen: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)):
            seen.append((str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def wake() -> list[tuple[str, str]]:
    """What is called from a neighbour's put until its reader has appended and acknowledged."""

    async def main() -> list[tuple[str, str]]:
        config = FlockConfig.parse({"concurrency": 2, "loopIntervalSeconds": 600.0, "agentsPerInstance": 1})
        flock = SimulatedFlock(config, [Mind(), Mind()].__getitem__, VirtualClock(), 7)
        await flock.start("do it")
        assert await flock.until("settled", within_seconds=120) == "settled"
        stood = await flock.store.get(keys.log(0))
        news = LogEntry(
            ts=timestamp(flock.clock.now()), iteration=1, action="wrote", result="it", next_intent="go on", files=("a",)
        )
        # Its line is put for it: what its own loop does is no part of the path.
        await flock.fleet.kill(flock.run, "host-0")
        inbox = flock.fabric.inbox(flock.run, 1)
        with calls() as seen:
            await flock.store.put(keys.log(0), stood.body + news.to_line(), metadata=dict(stood.metadata))
            await asyncio.sleep(5.0)
        assert not inbox.contents()
        newest = (await flock.log(1))[-1]
        assert newest.seen[0] == 1
        await flock.stop()
        return seen

    return run(main())


def test_a_wake_goes_through_the_files_in_the_order_in_which_the_page_names_them() -> None:
    assert len(STEPS) == 6
    seen = wake()
    first = [seen.index(step) for step in STEPS]
    assert first == sorted(first)
    inside = seen[: first[-1]]
    assert ("agent/loop.py", "AgentLoop._round") in inside
    assert {file for file, _ in inside if file in MODULES} <= named()


def named() -> set[str]:
    return set(re.findall(r"`(agent/[a-z_]+\.py)`", SECTION))


def test_the_page_names_every_module_of_the_agent_and_none_that_is_gone() -> None:
    assert named() == MODULES
    assert [file for file, _ in STEPS if not (ROOT / file).is_file()] == []
