"""An agent's log: fenced, rolled, and true whatever the store's answers."""

from __future__ import annotations

import pytest

from agent.journal import KEEP_LINES, ROLL_BYTES, Journal
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
    made = Journal(store, NoWait(), 3)
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
    assert made.bad_lines == 3
    await made.append(entry(made.next_iteration))
    body = (await store.get(keys.log(3))).body
    assert body.startswith(junk)
    assert b"no line break\n" in body
    assert [e.iteration for e in parse_log(body).entries] == [0, 1]


async def test_a_long_log_is_rolled_and_loses_nothing() -> None:
    store = MemoryStore()
    made = await journal(store)
    total = 1500
    for i in range(total):
        await made.append(entry(i, text="y" * 180))
    assert (await store.head(keys.log(3))).size <= ROLL_BYTES + 2000
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
    assert len(parse_log((await store.get(keys.log(3))).body).entries) >= KEEP_LINES


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
