"""Who may go on when two processes claim one agent, and when one only seems to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from agent.heart import Heart
from agent.journal import Journal
from agent.keeper import keep_alive
from agent.loop import FENCED
from murmur import keys
from murmur.clock import SystemClock
from murmur.entry import LogEntry, parse_log
from murmur.errors import Fenced, ObjectChanged, Unavailable
from murmur.memory.store import MemoryStore
from murmur.state import AgentState


class NoWait(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Moody(MemoryStore):
    """Loses answers of writes that were carried out, and has conflicts with nobody."""

    lose = 0
    conflict = 0

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> str:
        if self.conflict:
            self.conflict -= 1
            raise ObjectChanged(key)
        new = await super().replace(key, body, etag, content_type=content_type, metadata=metadata)
        if self.lose:
            self.lose -= 1
            raise Unavailable("No answer.", "Try again.")
        return new


def entry(iteration: int, text: str = "x") -> LogEntry:
    return LogEntry(ts="t", iteration=iteration, action=text, result="r", next_intent="n")


def heart(store: MemoryStore, host: str = "host-0") -> Heart:
    return Heart(store, NoWait(), AgentState(agent=3, run="r", host=host))


async def test_a_heartbeat_whose_answer_got_lost_does_not_fence_its_own_process() -> None:
    store = Moody()
    mine = heart(store)
    assert await mine.put()
    store.lose = 1
    assert not await mine.put()
    mine.note(detail="later")
    assert await mine.put()
    assert b"later" in (await store.get(keys.state(3))).body


async def test_a_heartbeat_that_conflicts_with_nobody_is_repeated() -> None:
    store = Moody()
    mine = heart(store)
    await mine.put()
    store.conflict = 2
    assert await mine.put()


async def test_the_heartbeat_of_another_process_fences() -> None:
    store = Moody()
    old, new = heart(store), heart(store, "host-0b")
    await old.put()
    await new.open()
    await new.put()
    with pytest.raises(Fenced):
        await old.put()


async def test_the_heartbeat_of_an_earlier_run_fences_nobody_and_that_of_a_later_one_does() -> None:
    store = Moody()
    zombie = Heart(store, NoWait(), AgentState(agent=3, run="20260101T000000Z"))
    mine = Heart(store, NoWait(), AgentState(agent=3, run="20260102T000000Z"))
    await mine.open()
    await zombie.put()
    assert await mine.put()
    with pytest.raises(Fenced):
        await zombie.put()
    with pytest.raises(Fenced):
        await Heart(store, NoWait(), AgentState(agent=3, run="20260101T000000Z")).open()


async def test_beats_of_the_round_and_the_upkeep_do_not_race_each_other() -> None:
    store = Moody()
    mine = heart(store)
    assert await asyncio.gather(*(mine.put() for _ in range(5))) == [True] * 5


async def test_an_append_that_conflicts_with_nobody_is_repeated() -> None:
    store = Moody()
    journal = Journal(store, NoWait(), 3, "r")
    await journal.open()
    await journal.append(entry(0))
    store.conflict = 1
    await journal.append(entry(1))
    assert [e.iteration for e in parse_log((await store.get(keys.log(3))).body).entries] == [0, 1]


async def test_a_new_process_takes_over_the_line_that_the_old_one_appended_late() -> None:
    store = Moody()
    old, new = Journal(store, NoWait(), 3, "r"), Journal(store, NoWait(), 3, "r")
    await old.open()
    await new.open()
    await old.append(entry(0, "late"))
    assert await new.refresh()
    assert not await new.refresh()
    await new.append(entry(new.next_iteration))
    assert [e.action for e in parse_log((await store.get(keys.log(3))).body).entries] == ["late", "x"]


class Loop:
    """Ends as it is told; ``over`` is what standing by comes to."""

    def __init__(self, ends: str, over: str = "") -> None:
        self.ends, self.over = ends, over

    async def run(self) -> str:
        if self.ends == "breaks":
            raise RuntimeError("broke")
        return self.ends

    async def stand_by(self) -> str:
        return self.over


@pytest.mark.parametrize(
    ("loops", "ended"),
    [
        ([Loop("stopped")], "stopped"),
        ([Loop(FENCED), Loop("the flock is stopped")], "the flock is stopped"),
        ([Loop(FENCED, "run r is over")], "run r is over"),
    ],
)
async def test_a_fenced_loop_stands_by_and_is_made_anew_if_the_other_falls_silent(loops, ended) -> None:
    left = list(loops)
    assert await keep_alive(3, lambda: left.pop(0), asyncio.Event()) == ended
    assert not left


async def test_a_loop_that_broke_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.keeper.RESTART_SECONDS", (0.0, 0.0))
    left = [Loop("breaks"), Loop("stopped")]
    assert await keep_alive(3, lambda: left.pop(0), asyncio.Event()) == "stopped"
    assert not left
