"""``murmur prompt``: what it prints is what the loop's turn sends, and looking changes nothing."""

from __future__ import annotations

import re
from random import Random

import pytest

from agent.journal import Journal
from agent.patience import Patience
from agent.ports import TurnOutcome
from agent.preview import preview
from agent.reader import SharedReader
from agent.turn import Turn
from agent.view import View
from murmur import keys
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.cursor import Cursor
from murmur.entry import LogEntry, Waker
from murmur.errors import NotFound
from murmur.gate import Verdict
from murmur.memory.store import MemoryStore
from murmur.roster import Roster
from tests.unit.misbehaving.stage import RUN


class Listens:
    """A mind that keeps what it was told."""

    scripted = False

    def __init__(self):
        self.told = ""

    async def run(self, desk, prompt, timeout_seconds):
        self.told = prompt
        desk.listed.set()
        await desk.broadcast("looked", "nothing", "rest", "idle")
        return TurnOutcome("end_turn")

    async def close(self):
        pass


@pytest.fixture
async def store():
    made = MemoryStore()
    config = FlockConfig.parse({"concurrency": 4})
    await made.put(keys.CONFIG, config.to_json())
    await made.put(keys.DIRECTION, b"Count.")
    await made.put(keys.CONTROL, Control(state="running", run=RUN).to_json())
    await made.put(keys.ROSTER, Roster.plan(RUN, config, "Count.").to_json())
    await made.put("output/a.md", b"x")
    return made


async def write(store, agent, iteration, **more):
    words = {"action": f"did {iteration}", "result": "well", "next_intent": "more", "ts": "2026-01-01T00:00:00Z"}
    entry = LogEntry(iteration=iteration, **words, **more)
    await store.put(keys.log(agent), entry.to_line(), metadata={"run": RUN})


def unfenced(words: str) -> str:
    return re.sub(r"[0-9a-f]{12,}", "FENCE", words)


async def test_it_is_what_the_turn_sends(store):
    await write(store, 2, 5)
    found = await preview(store, SystemClock(), 3)
    assert (found.cause, found.due) == ("start", True)

    clock, mind = SystemClock(), Listens()
    view, journal = View(store, SharedReader(store), 3, 4, RUN), Journal(store, clock, 3, RUN)
    await journal.open()
    await view.look()
    turn = Turn(3, 4, store, clock, Random(), view, journal, mind)
    verdict = Verdict(True, "start", (Waker(agent=2, iteration=5),))
    await turn.carry_out(verdict, await turn.observe(verdict, Cursor()), Patience(clock, Random(), "agent-3"), "trace")
    assert unfenced(mind.told) == unfenced(found.words)
    assert "did 5" in found.words


async def test_it_knows_what_the_agent_has_seen_already(store):
    await write(store, 2, 5)
    first = await preview(store, SystemClock(), 3)
    assert "did 5" in first.words
    documents = {"direction": (await store.head(keys.DIRECTION)).etag, "directive": "", "resumes": "0"}
    documents["config"] = FlockConfig.parse({"concurrency": 4}).work()
    await write(store, 3, 0, seen={2: 5}, seen_documents=documents, state="idle")
    later = await preview(store, SystemClock(), 3)
    assert (later.cause, later.due) == ("interval", False)
    assert "did 5" not in later.words
    assert "The direction is the same as in your last turn." in later.words


async def test_looking_writes_nothing(store):
    before = (await store.list("")).objects
    await preview(store, SystemClock(), 3)
    assert (await store.list("")).objects == before


@pytest.mark.parametrize("agent", [-1, 4, 10**9])
async def test_an_agent_that_is_not_there_is_named(store, agent):
    with pytest.raises(NotFound, match="no agent"):
        await preview(store, SystemClock(), agent)


async def test_without_a_run_there_is_no_prompt():
    with pytest.raises(NotFound, match="no run"):
        await preview(MemoryStore(), SystemClock(), 0)
