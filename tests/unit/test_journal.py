"""An agent's log: fenced, rolled, and true whatever the store's answers."""

from __future__ import annotations

import pytest

from agent.journal import ROLLING, Journal, Rolling
from agent.reader import SharedReader
from agent.view import View
from murmur import keys
from murmur.clock import SystemClock
from murmur.entry import LogEntry, join, parse_log
from murmur.errors import Fenced, Unavailable
from murmur.memory.store import MemoryStore


class NoWait(SystemClock):
    async def sleep(self, seconds: float) -> None:
        return


def entry(iteration: int, state: str = "working", text: str = "x") -> LogEntry:
    return LogEntry.from_value(
        {"ts": "t", "iteration": iteration, "action": text, "result": "r", "next_intent": "n", "state": state}
    )


async def journal(store: MemoryStore) -> Journal:
    made = Journal(store, NoWait(), 3, "r")
    await made.open()
    return made


async def test_entries_follow_one_another_across_processes() -> None:
    store = MemoryStore()
    first = await journal(store)
    for i in range(3):
        await first.append(entry(first.next_iteration, "idle" if i == 2 else "working"))
    second = await journal(store)
    assert second.next_iteration == 3
    assert second.own_idle
    assert second.previous is not None
    assert second.previous.iteration == 1


async def test_the_second_process_that_claims_an_agent_never_appends() -> None:
    store = MemoryStore()
    one, two = await journal(store), await journal(store)
    await one.append(entry(0))
    with pytest.raises(Fenced):
        await two.append(entry(0, text="other"))
    await one.append(entry(1))
    assert [e.action for e in parse_log((await store.get(keys.log(3))).body).entries] == ["x", "x"]


async def test_the_old_process_is_fenced_once_a_new_one_has_appended() -> None:
    store = MemoryStore()
    old = await journal(store)
    await old.append(entry(0))
    new = await journal(store)
    await new.append(entry(1))
    with pytest.raises(Fenced):
        await old.append(entry(1))


async def test_lines_that_are_no_entries_are_kept_byte_for_byte() -> None:
    store = MemoryStore()
    junk = b'\xff\xfenot json\n{"half":\n'
    await store.put(keys.log(3), junk + entry(0).to_line() + b"no line break")
    made = await journal(store)
    await made.append(entry(made.next_iteration))
    body = (await store.get(keys.log(3))).body
    assert body.startswith(junk)
    assert b"no line break\n" in body
    assert [e.iteration for e in parse_log(body).entries] == [0, 1]
    assert parse_log(body).bad_lines == 3


async def test_a_long_log_is_rolled_and_loses_nothing() -> None:
    store = MemoryStore()
    made = await journal(store)
    total = 1500
    for i in range(total):
        await made.append(entry(i, text="y" * 180))
    assert (await store.head(keys.log(3))).size <= ROLLING.bytes + 2000
    segments = [o.key for o in (await store.list(keys.segments(3))).objects]
    assert len(segments) >= 2
    parts = [(await store.get(key)).body for key in [*segments, keys.log(3)]]
    assert [e.iteration for e in join(parts)] == list(range(total))
    again = await journal(store)
    assert again.next_iteration == total
    await again.append(entry(total))


async def test_a_crash_between_segment_and_log_leaves_lines_twice_and_readers_count_them_once() -> None:
    store = MemoryStore()
    made = await journal(store)
    for i in range(600):
        await made.append(entry(i, text="y" * 180))
    rolled = (await store.list(keys.segments(3))).objects
    before = (await store.get(keys.log(3))).body
    whole = b"".join([(await store.get(o.key)).body for o in rolled]) + before
    await store.put(keys.log(3), whole)  # as if the log had never been cut
    again = await journal(store)
    await again.append(entry(600))
    keys_now = [o.key for o in (await store.list(keys.segments(3))).objects] + [keys.log(3)]
    assert [e.iteration for e in join([(await store.get(k)).body for k in keys_now])] == list(range(601))
    assert len(parse_log((await store.get(keys.log(3))).body).entries) >= ROLLING.keep_lines


class Flaky(MemoryStore):
    """Answers "unavailable", before or after the write was done."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__()
        self.failures = failures

    async def replace(self, key: str, body: bytes, etag: str, **more: object) -> str:  # type: ignore[override]
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "before":
            raise Unavailable("no", "again")
        written = await super().replace(key, body, etag, **more)  # type: ignore[arg-type]
        if failure == "after":
            raise Unavailable("no answer", "again")
        return written


@pytest.mark.parametrize("failures", [["before"], ["after"], ["before", "after"], ["before", "before", "after"]])
async def test_an_unclear_answer_neither_loses_nor_doubles_the_line(failures: list[str]) -> None:
    store = Flaky([])
    made = await journal(store)
    await made.append(entry(0))
    store.failures = list(failures)
    await made.append(entry(1))
    await made.append(entry(2))
    assert [e.iteration for e in parse_log((await store.get(keys.log(3))).body).entries] == [0, 1, 2]


async def test_a_store_that_stays_away_is_an_error_not_a_lost_line() -> None:
    store = Flaky([])
    made = await journal(store)
    await made.append(entry(0))
    store.failures = ["before"] * 20
    with pytest.raises(Unavailable):
        await made.append(entry(1))
    assert made.next_iteration == 1


OLD, NEW = "20260101T000000Z", "20260102T000000Z"


async def of_run(store: MemoryStore, run: str) -> Journal:
    made = Journal(store, NoWait(), 3, run)
    await made.open()
    return made


async def test_a_log_begun_late_by_an_earlier_run_is_written_over_by_the_run_that_owns_it() -> None:
    store = MemoryStore()
    zombie, mine = await of_run(store, OLD), await of_run(store, NEW)
    await zombie.append(entry(0, text="late"))
    await mine.append(entry(0, text="mine"))
    with pytest.raises(Fenced):
        await zombie.append(entry(1, text="later"))
    assert [e.action for e in parse_log((await store.get(keys.log(3))).body).entries] == ["mine"]


async def test_a_process_that_opens_onto_a_left_over_begins_with_an_empty_log() -> None:
    store = MemoryStore()
    zombie = await of_run(store, OLD)
    await zombie.append(entry(0, text="late"))
    mine = await of_run(store, NEW)
    assert (mine.next_iteration, mine.last) == (0, None)
    await zombie.append(entry(1, text="later"))
    await mine.append(entry(0, text="mine"))
    assert [e.action for e in parse_log((await store.get(keys.log(3))).body).entries] == ["mine"]


async def test_a_process_of_an_earlier_run_is_fenced_by_the_log_of_a_later_one() -> None:
    store = MemoryStore()
    zombie, mine = await of_run(store, OLD), await of_run(store, NEW)
    await mine.append(entry(0, text="mine"))
    for act in (zombie.append(entry(0)), zombie.refresh(), of_run(store, OLD)):
        with pytest.raises(Fenced):
            await act


async def test_neighbours_do_not_see_what_an_earlier_run_left_in_a_log() -> None:
    store = MemoryStore()
    await (await of_run(store, OLD)).append(entry(0, text="late"))
    view = View(store, SharedReader(store), 2, 8, NEW)
    await view.look()
    assert view.newest() == {}
    mine = await of_run(store, NEW)
    await mine.append(entry(0))
    await view.look()
    assert view.newest() == {3: 0}


async def test_a_segment_is_not_written_for_a_log_that_is_ours_no_more() -> None:
    store = MemoryStore()
    short = Rolling(bytes=200, keep_lines=2)
    old = Journal(store, NoWait(), 3, OLD, short)
    await old.open()
    for i in range(3):
        await old.append(entry(i, text="y" * 150))
    made = (await store.list(keys.segments(3))).objects
    await store.delete([keys.log(3), *(item.key for item in made)])  # as the archive of the next start does
    with pytest.raises(Fenced):
        await old.append(entry(3))
    assert not (await store.list(keys.segments(3))).objects


async def test_a_segment_never_replaces_another() -> None:
    store = MemoryStore()
    made = Journal(store, NoWait(), 3, OLD, Rolling(bytes=200, keep_lines=1))
    await made.open()
    await made.append(entry(0, text="y" * 150))
    await made.append(entry(1, text="y" * 150))
    there = keys.segment(3, 1)
    await store.put(there, b"somebody's\n")
    await made.append(entry(2))
    assert (await store.get(there)).body == b"somebody's\n"
    parts = [(await store.get(key)).body for key in (keys.segment(3, 2), keys.log(3))]
    assert [e.iteration for e in join(parts)] == [0, 1, 2]


async def test_words_repeated_while_working_are_counted_across_processes_and_failures() -> None:
    store = MemoryStore()
    made = await journal(store)
    failed = entry(1, text="turn failed").model_copy(update={"failed": True})
    for one in (entry(0), failed, entry(2), entry(3)):
        await made.append(one)
    assert made.repeats == 3
    assert (await journal(store)).repeats == 3
    await made.append(entry(4, text="something new"))
    assert made.repeats == 1
    await made.append(entry(5, "idle", "something new"))
    assert made.repeats == 0
    await made.append(entry(6, text="something new"))
    assert made.repeats == 1
