"""The readers' rules and queues of a run, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from murmur.pattern import Wiring
from murmur.ports import Fabric

_AT_ONCE: Final = 16


async def wire(fabric: Fabric, run: str, wirings: Mapping[int, Wiring]) -> None:
    """Make, or re-put, these readers' rules and queues. Raises Unavailable."""
    await _each(lambda agent: fabric.wire(run, agent, wirings[agent]), wirings)


async def unwire(fabric: Fabric, run: str) -> None:
    """Take away whatever the run has wired. Raises Unavailable."""
    circuits = await fabric.circuits(run)
    await _each(lambda agent: fabric.unwire(run, agent), [circuit.agent for circuit in circuits])


async def _each(step: Callable[[int], Awaitable[None]], agents: Iterable[int]) -> None:
    """Every agent's step, also if one fails: nothing may still be under way when what follows undoes it. Raises the first failure."""
    turnstile = asyncio.Semaphore(_AT_ONCE)

    async def one(agent: int) -> None:
        async with turnstile:
            await step(agent)

    for failure in await asyncio.gather(*(one(agent) for agent in agents), return_exceptions=True):
        if failure is not None:
            raise failure
