"""Many small reads at once, but not all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 32


async def gather(work: Callable[[T], Awaitable[R]], items: Iterable[T], *, at_once: int = AT_ONCE) -> list[R]:
    """``work`` done for every item, at most ``at_once`` at a time; results in the order of the items.

    The first error ends it and is raised as it is.
    """
    turnstile = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with turnstile:
            return await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
