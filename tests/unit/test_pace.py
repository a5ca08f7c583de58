"""Changes in bulk are not faster than AWS takes them, and patient where it says so."""

import asyncio

import pytest
from botocore.exceptions import ClientError

from murmur.aws.pace import ATTEMPTS, Pace
from murmur.errors import NotFound, Unavailable


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def pace(time: Time, at_once: int = 4, per_second: float = 10.0) -> Pace:
    return Pace(at_once, per_second, now=lambda: time.now, sleep=time.sleep)


def busy(code: str) -> Unavailable:
    error = Unavailable("EventBridge is busy.", "Try again.")
    error.__cause__ = ClientError({"Error": {"Code": code}}, "PutRule")
    return error


async def test_a_few_changes_go_out_at_once():
    time, made = Time(), []
    kept = pace(time)
    for number in range(4):
        await kept.keep(lambda n=number: asyncio.sleep(0, made.append(n)))
    assert made == [0, 1, 2, 3]
    assert time.slept == []


async def test_many_changes_go_out_at_the_rate_and_all_of_them():
    time, made = Time(), []
    kept = pace(time)
    for number in range(44):
        await kept.keep(lambda n=number: asyncio.sleep(0, made.append(n)))
    assert made == list(range(44))
    assert time.now == pytest.approx(4.0)


@pytest.mark.parametrize("code", ["ThrottlingException", "ConcurrentModificationException", "InternalException"])
async def test_a_change_that_is_throttled_is_made_again_ever_later(code: str):
    time, left = Time(), [3]

    async def change() -> str:
        if left[0]:
            left[0] -= 1
            raise busy(code)
        return "made"

    assert await pace(time).keep(change) == "made"
    assert len(time.slept) == 3


async def test_patience_ends():
    time, tries = Time(), []

    async def change() -> None:
        tries.append(1)
        raise busy("ThrottlingException")

    with pytest.raises(Unavailable):
        await pace(time, at_once=100).keep(change)
    assert len(tries) == ATTEMPTS
    assert sum(time.slept) < 30


async def test_a_quota_that_is_used_up_is_told_at_once():
    time, tries = Time(), []

    async def change() -> None:
        tries.append(1)
        raise busy("LimitExceededException")

    with pytest.raises(Unavailable):
        await pace(time).keep(change)
    assert len(tries) == 1


async def test_what_is_no_matter_of_pace_is_told_at_once():
    async def change() -> None:
        raise NotFound("There is no bus.", "Deploy it.")

    with pytest.raises(NotFound):
        await pace(Time()).keep(change)
