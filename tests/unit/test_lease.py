"""Agents end by themselves when their run is over, or when nobody looks after it any more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent.lease import WATCH_SECONDS, Lease, Over
from functions.lifecycle.lease import EVERY_SECONDS, LeaseSign
from murmur import keys
from murmur.control import Control
from murmur.errors import Unavailable
from murmur.memory.store import MemoryStore

RUN = "20260101T000000Z"


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)


async def say(store: MemoryStore, state: str = "running", run: str = RUN) -> None:
    await store.put(keys.CONTROL, Control(state=state, run=run).to_json())  # type: ignore[arg-type]


async def ended(lease: Lease, within_minutes: float, time: Time) -> Over | None:
    found: list[Over] = []
    watching = asyncio.ensure_future(lease.watch(found.append))
    while not found and time.passed < within_minutes * 60:
        await asyncio.sleep(0)
    watching.cancel()
    return found[0] if found else None


async def test_a_lease_without_a_sign_ends_after_its_minutes_and_says_why() -> None:
    store, time = MemoryStore(), Time()
    await say(store)
    over = await ended(Lease(store, time, RUN, minutes=5), 20, time)
    assert over is not None
    assert not over.disowned
    assert "leaseMinutes" in over.why
    assert 5 * 60 < time.passed <= 5 * 60 + 2 * WATCH_SECONDS


async def test_a_sign_that_changes_renews_the_lease_whatever_its_clock_says() -> None:
    store, time = MemoryStore(), Time()
    await say(store)
    lease, sign = Lease(store, time, RUN, minutes=5), LeaseSign()
    for _ in range(40):
        await sign.leave(store, time, RUN)
        assert await lease.look() is None
        await time.sleep(WATCH_SECONDS)
    await time.sleep(5 * 60)
    assert await lease.look() is not None


async def test_the_sign_is_left_at_most_once_a_minute_and_at_once_for_a_new_run() -> None:
    store, time, sign = MemoryStore(), Time(), LeaseSign()
    for _ in range(600):
        await sign.leave(store, time, RUN)
        await time.sleep(1.0)
    assert store.put_keys == [keys.LEASE] * round(600 / EVERY_SECONDS)
    await sign.leave(store, time, "20260101T000010Z")
    assert len(store.put_keys) == 600 / EVERY_SECONDS + 1


@pytest.mark.parametrize(
    ("state", "run", "disowned"),
    [("stopping", RUN, False), ("stopped", RUN, False), ("running", "20260102T000000Z", True)],
)
async def test_a_run_that_is_over_ends_the_lease_at_the_next_look(state: str, run: str, disowned: bool) -> None:
    store, time = MemoryStore(), Time()
    await say(store)
    lease = Lease(store, time, RUN, minutes=5)
    assert await lease.look() is None
    await say(store, state, run)
    over = await lease.look()
    assert over is not None
    assert over.disowned is disowned


async def test_a_store_that_is_gone_gives_no_sign() -> None:
    class Gone(MemoryStore):
        async def get_if_changed(self, key: str, etag: str, *, start: int = 0) -> None:
            raise Unavailable("No answer.", "Try again.")

    time = Time()
    assert await ended(Lease(Gone(), time, RUN, minutes=3), 10, time) is not None


async def test_looking_at_a_lease_costs_two_conditional_reads() -> None:
    store, time = MemoryStore(), Time()
    await say(store)
    await store.put(keys.LEASE, b"{}")
    lease = Lease(store, time, RUN, minutes=5)
    await lease.look()
    before = store.requests.total()
    await lease.look()
    assert store.requests.total() - before == 2
