"""The mailbox: what is news is held until acknowledged, everything else is dropped before it costs anything."""

from __future__ import annotations

import json

from agent.mailbox import Mailbox
from murmur import keys
from murmur.change import Change
from murmur.clock import SystemClock
from murmur.memory.fabric import event_of
from murmur.memory.inbox import MemoryInbox


def body(key: str, sequencer: int) -> str:
    return event_of(Change(key, f"e{sequencer}", f"{sequencer:X}", 1, "2026-01-01T00:00:00Z", f"id-{sequencer}"), "b")


def make() -> tuple[MemoryInbox, Mailbox]:
    clock = SystemClock()
    inbox = MemoryInbox(clock)
    wanted = {keys.log(1), keys.DIRECTION}
    return inbox, Mailbox(inbox, clock, wanted.__contains__)


async def test_companions_of_a_wake_are_taken_with_it() -> None:
    inbox, mailbox = make()
    for i in range(25):
        inbox.push(body(keys.log(1), i + 1))
    arrivals = await mailbox.listen(1.0, 0.01)
    assert len(arrivals.fresh) == 25
    assert (await inbox.depth()).in_flight == 25
    await mailbox.acknowledge()
    assert (await inbox.depth()).in_flight == 0
    assert mailbox.held == []


async def test_duplicates_reordered_foreign_and_unreadable_messages_are_no_news() -> None:
    inbox, mailbox = make()
    inbox.push(body(keys.log(1), 5))
    inbox.push(body(keys.log(1), 5))
    inbox.push(body(keys.log(1), 4))
    inbox.push(body(keys.log(7), 9))
    inbox.push("not json")
    inbox.push(json.dumps({"detail": {}}))
    arrivals = await mailbox.listen(1.0, 0.01)
    assert [held.change.sequencer for held in arrivals.fresh] == ["5"]
    assert sorted(d.became for d in arrivals.deliveries) == ["duplicate", "foreign", "out-of-order"]
    assert len(arrivals.stale) == 5
    await mailbox.discard(arrivals.stale)
    assert (await inbox.depth()).in_flight == 1


async def test_a_wake_that_is_not_acknowledged_comes_back() -> None:
    clock = SystemClock()
    inbox = MemoryInbox(clock, visibility_seconds=0.05)
    inbox.push(body(keys.log(1), 5))
    first = Mailbox(inbox, clock, lambda _key: True)
    assert (await first.listen(1.0, 0.0)).fresh
    second = Mailbox(inbox, clock, lambda _key: True)
    (held,) = (await second.listen(1.0, 0.0)).fresh
    assert held.message.receives == 2


async def test_a_redelivered_message_is_judged_again_by_the_process_that_held_it() -> None:
    clock = SystemClock()
    inbox = MemoryInbox(clock, visibility_seconds=0.05)
    inbox.push(body(keys.log(1), 5))
    mailbox = Mailbox(inbox, clock, lambda _key: True)
    await mailbox.listen(1.0, 0.0)
    assert len((await mailbox.listen(1.0, 0.0)).fresh) == 1


async def test_an_empty_wait_brings_nothing() -> None:
    _, mailbox = make()
    assert not await mailbox.listen(0.01, 0.01)
