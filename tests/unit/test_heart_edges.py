"""What an agent's books do at the edges: documents that vanish, stores that are busy, stops that come in the middle."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from agent import keeper
from agent.heart import Heart
from agent.journal import Journal, Rolling
from agent.keeper import keep_alive
from agent.lease import Over
from agent.patience import Patience
from agent.reader import SharedReader
from agent.view import View
from murmur import keys
from murmur.config import FlockConfig
from murmur.entry import parse_log
from murmur.errors import Fenced, ObjectChanged, Unavailable
from murmur.memory.store import MemoryStore
from murmur.runs import mark
from murmur.state import AgentState, Delivery
from tests.unit.test_fencing import Moody, NoWait, entry, heart

RUN = "20261123T053236Z"
OVER = Over("stopped")


# ── the state document ──


async def test_what_is_no_state_document_is_written_over_and_tells_nothing() -> None:
    store = MemoryStore()
    await store.put(keys.state(3), b"{damaged")
    mine = heart(store)
    assert await mine.open() is None
    assert await mine.put()


async def test_a_process_opens_onto_its_own_counters_and_not_onto_another_runs() -> None:
    store = MemoryStore()
    first = heart(store)
    first.count(turns=3, wakes=0)
    await first.put()
    second = heart(store)
    assert await second.open() is not None
    assert second.state.counters.turns == 3
    later = Heart(store, NoWait(), AgentState(agent=3, run="s", host="host-0"))
    assert await later.open() is None
    assert later.state.counters.turns == 0
    assert await later.put()
    with pytest.raises(Fenced):  # the document is a later run's now
        await heart(store).open()


async def test_a_document_that_was_cleared_away_ends_its_agent() -> None:
    store = MemoryStore()
    mine = heart(store)
    await mine.put()
    await store.delete([keys.state(3)])
    with pytest.raises(Fenced):
        await mine.put()
    await mine.farewell("stopped")  # nobody listens, and it does not fail


async def test_a_document_that_changes_all_the_time_is_busy_and_made_up_for_later() -> None:
    store = Moody()
    mine = heart(store)
    await mine.put()
    store.conflict = 99
    assert not await mine.put()
    assert mine.behind
    store.conflict = 0
    await mine.beat()
    assert not mine.behind


async def test_a_beat_within_the_minute_writes_nothing_and_the_newest_deliveries_are_kept() -> None:
    store = MemoryStore()
    mine = heart(store)
    assert await mine.version() == ""
    await mine.put()
    version = await mine.version()
    mine.delivered(
        *(Delivery(key=str(n), version="v", sent="t", received="t", receives=1, became="gated") for n in range(30))
    )
    await mine.beat()
    assert await mine.version() == version
    assert [delivery.key for delivery in mine.state.deliveries][-1] == "29"
    assert len(mine.state.deliveries) == 20


# ── the log ──


async def test_a_log_that_is_cleared_away_while_open_ends_its_agent() -> None:
    store = Moody()
    journal = Journal(store, NoWait(), 3, RUN)
    await journal.open()
    await journal.append(entry(0))
    await store.delete([keys.log(3)])
    assert not await journal.refresh()
    store.conflict = 1
    with pytest.raises(Fenced):
        await journal.append(entry(1))


async def test_a_log_without_a_line_break_at_its_end_gets_one_before_the_next_line() -> None:
    store = MemoryStore()
    await store.put(keys.log(3), entry(0).to_line().rstrip(b"\n"), metadata=mark(RUN))
    journal = Journal(store, NoWait(), 3, RUN)
    await journal.open()
    assert not await journal.refresh()
    await journal.append(entry(1))
    found = parse_log((await store.get(keys.log(3))).body)
    assert [line.iteration for line in found.entries] == [0, 1]


async def test_a_log_of_few_long_lines_is_not_rolled_into_nothing() -> None:
    store = MemoryStore()
    journal = Journal(store, NoWait(), 3, RUN, Rolling(bytes=1, keep_lines=32))
    await journal.open()
    for number in range(3):
        await journal.append(entry(number))
    assert not (await store.list(keys.segments(3))).objects
    assert journal.next_iteration == 3


async def test_a_long_log_that_was_cleared_away_is_not_rolled() -> None:
    store = MemoryStore()
    journal = Journal(store, NoWait(), 3, RUN, Rolling(bytes=1, keep_lines=1))
    await journal.open()
    for number in range(2):
        await journal.append(entry(number))
    await store.delete([keys.log(3)])
    with pytest.raises(Fenced):
        await journal.append(entry(2))
    assert not (await store.list(keys.segments(3))).objects


async def test_a_segment_that_says_the_same_already_is_left_as_it_is() -> None:
    store = MemoryStore()
    journal = Journal(store, NoWait(), 3, RUN, Rolling(bytes=1, keep_lines=1))
    await journal.open()
    await journal.append(entry(0))
    await journal.append(entry(1))
    await store.put(keys.segment(3, 1), entry(0).to_line())
    await journal.append(entry(2))
    listed = (await store.list(keys.segments(3))).objects
    assert [item.key for item in listed] == [keys.segment(3, 1)]


async def test_a_log_that_nobody_changed_and_that_never_takes_the_line_is_busy() -> None:
    store = Moody()
    journal = Journal(store, NoWait(), 3, RUN)
    await journal.open()
    await journal.append(entry(0))
    store.conflict = 99
    with pytest.raises(Unavailable, match="busy"):
        await journal.append(entry(1))


async def test_a_create_that_conflicts_with_what_is_gone_again_is_repeated() -> None:
    class Blinking(MemoryStore):
        blinks = 1

        async def create(self, key: str, body: bytes, **more: object) -> str:
            if self.blinks:
                self.blinks -= 1
                raise ObjectChanged(key)
            return await super().create(key, body, **more)  # type: ignore[arg-type]

    store = Blinking()
    journal = Journal(store, NoWait(), 3, RUN)
    await journal.open()
    await journal.append(entry(0))
    assert (await store.get(keys.log(3))).body == entry(0).to_line()
    store.blinks = 1
    assert await heart(store).put()


# ── going on, and waiting ──


class Ends:
    """A loop that ends as it is told."""

    def __init__(self, *, error: Exception | None = None, stopping: asyncio.Event | None = None) -> None:
        self.error = error
        self.stopping = stopping

    async def run(self) -> str:
        if self.stopping is not None:
            self.stopping.set()
        if self.error:
            raise self.error
        return "the run is over"


async def test_a_loop_that_breaks_while_its_host_ends_is_not_begun_again() -> None:
    stopping = asyncio.Event()
    made: list[int] = []

    def make() -> Ends:
        made.append(1)
        return Ends(error=OSError("no answer"), stopping=stopping)

    assert await keep_alive(3, make, stopping) == "stopped"  # type: ignore[arg-type]
    assert len(made) == 1
    assert await keep_alive(3, make, stopping) == "stopped"  # type: ignore[arg-type]
    assert len(made) == 1


async def test_a_host_that_ends_does_not_wait_for_a_broken_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "RESTART_SECONDS", (3600.0, 3600.0))
    stopping = asyncio.Event()
    going = asyncio.create_task(keep_alive(3, lambda: Ends(error=OSError("x")), stopping))  # type: ignore[arg-type,return-value]
    await asyncio.sleep(0)
    stopping.set()
    assert await asyncio.wait_for(going, 20) == "stopped"


def patience() -> Patience:
    return Patience(NoWait(), Random(1), "agent-3")


async def test_the_first_reason_to_stop_stands_unless_a_later_one_forbids_to_write() -> None:
    waiting = patience()
    waiting.stop(Over("asked"))
    waiting.stop(Over("asked again"))
    assert waiting.over.why == "asked"
    waiting.stop(Over("replaced", disowned=True))
    assert waiting.over.why == "replaced"
    assert await waiting.unless_stopped(asyncio.sleep(3600)) is None


async def test_a_stop_ends_a_wait_under_way_and_the_work_with_it() -> None:
    waiting = patience()
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    going = asyncio.create_task(waiting.unless_stopped(work()))
    await asyncio.sleep(0)
    waiting.stop(OVER)
    assert await going is None
    await asyncio.wait_for(cancelled.wait(), 20)


async def test_work_is_tried_until_the_cloud_answers_or_the_agent_is_stopped(caplog: pytest.LogCaptureFixture) -> None:
    waiting = patience()
    tries: list[int] = []

    async def work() -> None:
        tries.append(1)
        if len(tries) == 20:
            waiting.stop(OVER)
        if len(tries) != 3:
            raise Unavailable("No answer.", "Wait.")

    await waiting.until_done(work)
    assert len(tries) == 3
    await waiting.until_done(work)
    assert len(tries) == 20
    await waiting.until_done(work)
    assert len(tries) == 20
    await waiting.after_silence(Unavailable("No queue.", "Wait."), 0.0)
    assert "agent-3: inbox: No queue." in caplog.text


# ── the view ──


async def test_a_directive_that_is_taken_back_is_forgotten_and_a_log_that_is_missing_is_no_news() -> None:
    store = MemoryStore()
    await store.put(keys.CONFIG, FlockConfig(concurrency=4).to_json())
    await store.put(keys.directive(1), b"Look.")
    await store.put(keys.log(0), b"no line of ours\n" + entry(0).to_line())
    view = View(store, SharedReader(store), 1, 4, RUN)
    await view.read({keys.CONFIG: "", keys.directive(1): "", keys.log(0): ""})
    assert view.directive == "Look."
    await store.delete([keys.directive(1), keys.log(0)])
    await view.read({keys.directive(1): "x", keys.log(0): "x", keys.log(2): "x"})
    assert view.directive == ""
