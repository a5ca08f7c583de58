"""What an entry claims is held against what the turn did."""

from __future__ import annotations

import pytest

from agent import verify
from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from murmur.errors import Unavailable
from murmur.memory.store import MemoryStore

ENDED = TurnOutcome("end_turn")


async def doubts(action: str, result: str = "", *, writes: tuple[str, ...] = (), state: str = "working", listed=True):
    store = MemoryStore()
    await store.put("output/theirs.md", b"x")
    await store.put("output/the others.md", b"x")
    desk = Desk(store, 3, frozenset(), 0)
    if listed:
        desk.listed.set()
    for path in writes:
        await desk.fs_write(path, "x")
    await desk.broadcast(action, result, "", state)
    return await verify.doubts(store, desk, ENDED)


async def test_a_file_that_was_written_raises_no_doubt():
    assert (
        await doubts("wrote output/a.md.", "see (output/b c.md), `output/a.md`", writes=("output/a.md", "output/b"))
        == ()
    )


async def test_a_file_that_is_not_there_does():
    assert await doubts("wrote output/a.md, output/b.md", writes=("output/b.md",)) == (
        "names output/a.md, which is not there",
    )


async def test_another_agents_file_as_the_only_achievement_does():
    assert await doubts("wrote output/theirs.md") == ("names output/theirs.md, which it did not write in this turn",)


async def test_another_agents_file_beside_ones_own_is_a_mention():
    assert await doubts("compared output/theirs.md", "output/mine.md", writes=("output/mine.md",)) == ()


async def test_an_idle_agent_may_mention_what_is_there_but_not_what_is_not():
    assert await doubts("looked", "output/theirs.md is complete", state="idle") == ()
    assert await doubts("looked", "output/none.md is complete", state="idle") == (
        "names output/none.md, which is not there",
    )


async def test_tools_that_were_never_listed_are_told():
    assert await doubts("worked", listed=False) == ("the tools were never listed in this turn",)


async def test_folders_and_names_cut_off_by_the_limit_are_not_looked_for():
    assert await doubts("wrote output/ and output/notes/", "x" * 190 + " output/a-long-name.md") == ()


async def test_many_names_cost_a_few_looks_and_leave_a_few_remarks():
    found = await doubts(" ".join(f"output/{n}" for n in range(20)), " ".join(f"output/{n}" for n in range(20, 40)))
    assert len(found) == verify.REMARKS_KEPT + 1
    assert found[-1] == f"and {verify.NAMES_CHECKED - verify.REMARKS_KEPT} more"


@pytest.mark.parametrize("name", ["output/../direction.md", "output//x", "output/" + "a" * 150])
async def test_a_name_no_file_can_have_breaks_nothing(name):
    await doubts(f"wrote {name}")


async def test_a_store_that_does_not_answer_is_no_doubt(monkeypatch):
    async def away(self, key):
        raise Unavailable("away", "again")

    monkeypatch.setattr(MemoryStore, "head", away)
    assert await doubts("wrote output/a.md") == ()
