"""The operator's hand in a simulated world: the acts there are, and a person who does one now and then, drawn by lot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from random import Random
from typing import Any, Final

from functions.api import operate
from murmur import documents, keys
from murmur.errors import MurmurError
from murmur.simulate.trouble import task
from murmur.simulate.world import World

_ACTS: Final = (
    "direction",
    "direction",
    "directive",
    "radius",
    "algorithm",
    "pause",
    "resume",
    "resume",
    "stop",
    "start",
)
"""What is drawn from: some are done more often than others."""


class Hand:
    """What an operator can do, and does. ``agents``: how many the first start makes."""

    def __init__(self, world: World, random: Random, agents: int) -> None:
        self._world = world
        self._random = random
        self._agents = agents
        self._batches = 0
        self.refused = 0
        """Acts that were refused, or not answered."""

    @property
    def size(self) -> int:
        """How many agents there are now."""
        roster = self._world.truth.roster()
        return roster.size if roster else 1

    async def start(self, changes: Mapping[str, Any]) -> None:
        """Start the flock with a new task."""
        await self._act(operate.start(self._world.services, self._task(), dict(changes)))

    async def direct(self, items: int) -> None:
        """Give the flock another task, of so many items."""
        await self._act(documents.write_direction(self._world.operator_store, self._batch(items)))

    async def instruct(self, agent: int, words: str) -> None:
        """Give one agent a directive."""
        await self._act(self._world.operator_store.put(keys.directive(agent), words.encode()))

    async def change(self, **fields: Any) -> None:
        """Change the configuration."""
        await self._act(operate.change_config(self._world.services, fields))

    async def pause(self) -> None:
        """Pause the flock."""
        await self._act(operate.pause(self._world.services))

    async def resume(self) -> None:
        """Resume it."""
        await self._act(operate.resume(self._world.services))

    async def stop(self) -> None:
        """Stop it."""
        await self._act(operate.stop(self._world.services))

    async def go_on(self, mean_seconds: float) -> None:
        """Do one thing after the other, ``mean_seconds`` apart on average, until cancelled."""
        while True:
            await asyncio.sleep(self._random.expovariate(1 / mean_seconds))
            await self._do(self._random.choice(_ACTS))

    async def _do(self, what: str) -> None:
        random, size = self._random, self.size
        match what:
            case "direction":
                await self.direct(self._items())
            case "directive":
                words = f"be quick, {random.random()}"
                await self.instruct(random.randrange(size), words)
            case "radius":
                await self.change(neighbourRadius=random.randint(1, max(1, size // 2)))
            case "algorithm":
                await self.change(algorithm=random.choice(("amorphous", "mesh", "swarm")))
            case "pause":
                await self.pause()
            case "resume":
                await self.resume()
            case "stop":
                await self.stop()
            case _:
                await self.start({})

    async def _act(self, act: Awaitable[object]) -> None:
        """One act. What is refused, or not answered, is left at that."""
        with self._world.watch.operator_acts():
            try:
                await act
            except MurmurError:
                self.refused += 1

    def _task(self) -> str:
        return self._batch(self._items())

    def _items(self) -> int:
        most = self._random.choice((2, 2, 2, 6)) * self._agents
        return self._random.randint(0, most)

    def _batch(self, items: int) -> str:
        self._batches += 1
        return task(f"b{self._batches}", items)
