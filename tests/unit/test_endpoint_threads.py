"""A blocking poll in its thread: its result reaches exactly one taker, or is handed back."""

import asyncio
import threading

import pytest

from murmur.aws.threads import Poll


class Call:
    """A blocking call that ends when it is told to."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self.given_back: list[list[str]] = []
        self.poll: Poll[list[str]] = Poll(self._run, self.given_back.append)

    def _run(self) -> list[str]:
        assert self._end.wait(30)
        return ["message"]

    def end(self) -> None:
        self._end.set()

    async def is_given_back(self) -> None:
        async with asyncio.timeout(20):
            while not self.given_back:
                await asyncio.sleep(0.02)


async def test_the_result_wakes_who_waits():
    call = Call()
    waiting = asyncio.create_task(call.poll.take(20))
    await asyncio.sleep(0.05)
    assert call.poll.waited_for
    call.end()
    assert await waiting == ["message"]
    assert call.poll.over
    assert await call.poll.take(5) is None
    await asyncio.sleep(0.5)
    assert call.given_back == []


async def test_a_wait_that_ended_too_early_is_taken_up_by_the_next():
    call = Call()
    assert await call.poll.take(0.05) is None
    assert not call.poll.over
    call.end()
    assert await call.poll.take(20) == ["message"]
    await asyncio.sleep(0.5)
    assert call.given_back == []


async def test_a_result_nobody_comes_for_is_given_back():
    call = Call()
    assert await call.poll.take(0.05) is None
    call.end()
    await call.is_given_back()
    assert call.poll.over
    assert call.given_back == [["message"]]
    assert await call.poll.take(5) is None


async def test_a_wait_cancelled_as_the_result_arrives_gives_it_back():
    call = Call()
    waiting = asyncio.create_task(call.poll.take(20))
    await asyncio.sleep(0.05)
    call.end()
    while call.poll._outcome is None:  # it is there, and its waiter has not run yet
        pass
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await call.is_given_back()
    assert call.given_back == [["message"]]


def test_a_result_for_a_loop_that_is_gone_is_given_back():
    made: list[Call] = []

    async def give_up() -> None:
        made.append(Call())
        await made[0].poll.take(0.05)

    asyncio.run(give_up())
    made[0].end()
    asyncio.run(made[0].is_given_back())


async def test_what_the_call_raised_is_raised_where_it_is_waited_for():
    def fail() -> list[str]:
        raise LookupError("no queue")

    with pytest.raises(LookupError, match="no queue"):
        await Poll(fail, pytest.fail).take(20)
