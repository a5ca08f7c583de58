"""Start, stop and repair, cut at every single call they make: before or after it took effect, with the function dead or told of an error.

After any one failure, what is done anyway (Lambda's retry, the tick that takes up what is stuck, the operator who starts again) ends in the right
state, and nothing is left that costs or delivers anything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from murmur.errors import MurmurError
from tests.contract.account import Died, Fault
from tests.contract.flock_on_ec2 import Flock, flock_on_ec2

MOST_CALLS = 80
KINDS = [(True, True), (False, True), (False, False)]
"""Before the call and dead, after it and dead, after it without an answer. Before it without an answer is the first to the world, the last to the function."""
NAMES = ["before-dead", "after-dead", "after-no-answer"]
DEATHS = KINDS[:2]
"""A stop and a repair do not handle an error themselves: to be told of one is the same to them as to die."""


@pytest.fixture(scope="module")
def deployed() -> Iterator[Flock]:
    with flock_on_ec2() as made:
        yield made


@pytest.fixture
def flock(deployed: Flock) -> Flock:
    deployed.clear()
    return deployed


async def cut(flock: Flock, fault: Fault, action: Callable[[], Awaitable[None]]) -> bool:
    """Run the action with the fault in it; returns whether it came to that call at all."""
    flock.account.calls.clear()
    flock.account.fault = fault
    try:
        await action()
    except Died:
        pass
    except MurmurError:
        assert not fault.dead
    reached = flock.account.fault is None
    await flock.account.bury()
    return reached


async def settle_start(flock: Flock, run: str) -> str:
    """What follows a start that failed: Lambda's retry if it died, else the tick, else the operator. Returns the run that goes on."""
    if await flock.state() == "starting":
        await flock.function().act("start", run)
    if await flock.state() == "stopping":
        await flock.later()
    if await flock.state() == "stopped":
        await flock.assert_stopped()
        run = await flock.running()
    if not all(tags.get("AgentIndex") for tags in flock.tags()):
        await flock.later(61)
    return run


@pytest.mark.parametrize(("before", "dead"), KINDS, ids=NAMES)
async def test_a_start_that_failed_anywhere_ends_in_a_running_flock(flock: Flock, before: bool, dead: bool):
    for at in range(MOST_CALLS):
        run = await flock.ask()
        function = flock.function()
        reached = await cut(flock, Fault(at, before, dead), lambda run=run, f=function: f.act("start", run))
        run = await settle_start(flock, run)
        await flock.assert_running(run)
        assert all(tags["AgentIndex"] for tags in flock.tags())
        flock.clear()
        if not reached:
            break
    assert not reached, "the start makes more calls than were tried"
    assert at > 25, "the fault met only a part of the start"


@pytest.mark.parametrize(("before", "dead"), DEATHS, ids=NAMES[:2])
async def test_a_stop_that_failed_anywhere_leaves_nothing(flock: Flock, before: bool, dead: bool):
    for at in range(MOST_CALLS):
        run = await flock.running()
        await flock.be("stopping", run)
        function = flock.function()
        reached = await cut(flock, Fault(at, before, dead), lambda run=run, f=function: f.act("stop", run))
        await flock.function().act("stop", run)
        await flock.assert_stopped()
        flock.clear()
        if not reached:
            break
    assert not reached, "the stop makes more calls than were tried"
    assert at > 12, "the fault met only a part of the stop"


@pytest.mark.parametrize(("before", "dead"), DEATHS, ids=NAMES[:2])
async def test_a_repair_that_failed_anywhere_gives_every_place_one_host_again(flock: Flock, before: bool, dead: bool):
    for at in range(MOST_CALLS):
        run = await flock.running()
        flock.account.clients.ec2.terminate_instances(InstanceIds=[flock.alive()[0]["InstanceId"]])
        await flock.clock.sleep(61)
        function = flock.function()
        reached = await cut(flock, Fault(at, before, dead), lambda run=run, f=function: f.tick(run))
        for _ in range(2):
            await flock.later(61)
            if len(flock.alive()) == 2:
                break
        await flock.assert_running(run)
        flock.clear()
        if not reached:
            break
    assert not reached, "the repair makes more calls than were tried"
    assert at > 10, "the fault met only a part of the repair"


async def test_a_start_that_runs_twice_at_once_gives_every_place_one_host(flock: Flock):
    run = await flock.ask()
    await asyncio.gather(flock.function().act("start", run), flock.function().act("start", run))
    await flock.later(61)
    await flock.assert_running(run)
    flock.clear()


@pytest.mark.parametrize("at", range(0, 36, 4))
async def test_a_stop_that_comes_during_a_start_wins_and_leaves_nothing(flock: Flock, at: int):
    """The stop is asked for, and carried out whole, while the start is at its ``at``-th call."""
    run = await flock.ask()
    start = flock.function()
    flock.account.calls.clear()
    begun = asyncio.ensure_future(start.act("start", run))
    while len(flock.account.calls) < at and not begun.done():
        await asyncio.sleep(0)
    await flock.be("stopping", run)
    await flock.function().act("stop", run)
    await begun
    await flock.later()
    await flock.later(61)
    await flock.assert_stopped()
    flock.clear()
