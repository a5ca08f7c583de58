"""A mind that takes items off a shared list, and misbehaves in every way a model does."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Final

from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from murmur import keys
from murmur.errors import Conflict, MurmurError
from murmur.simulate.hosts import Life
from murmur.simulate.weather import Weather

SHARED: Final = f"{keys.OUTPUT}shared.md"
_TASK: Final = re.compile(r"batch (\S+) with (\d+) items")
PARROT: Final = ("the same", "as before", "and again")
_BAD: Final = ("hang", "refuse", "limit", "silent", "die", "twice", "stray")


def task(batch: str, items: int) -> str:
    """A direction that the mind understands."""
    return f"Work on batch {batch} with {items} items.\n"


@dataclass(slots=True)
class TurnTaken:
    """What a mind did in one turn."""

    life: Life
    iteration: int
    token: str
    began: float
    ended: float | None = None
    """None: cut off."""
    said: str = ""
    """The state it broadcast, "" for none."""
    wrote: bool = False
    parroted: bool = False
    """It said what it always says, and not its token."""
    appended: bool = False
    """Whether an append of its token to the shared file was confirmed."""


class TroubledMind:
    """The Mind of one life. ``turns`` is the world's list of all turns."""

    scripted = True

    def __init__(
        self,
        *,
        life: Life,
        weather: Weather,
        random: Random,
        think: float,
        turns: list[TurnTaken],
        begins: Callable[[Life], None],
        parrot: bool = False,
    ) -> None:
        """``parrot``: it says the same in every turn, and does nothing."""
        self._parrot = parrot
        self._begins = begins
        self._life = life
        self._weather = weather
        self._random = random
        self._think = think
        self._turns = turns
        self._strays: set[asyncio.Task[str]] = set()

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:  # noqa: ARG002 - it reads the files
        """See ``Mind.run``."""
        now = self._weather.clock.monotonic
        turn = TurnTaken(self._life, desk.iteration, f"t{len(self._turns)}", now())
        self._begins(self._life)
        self._turns.append(turn)
        self._life.turning = True
        desk.listed.set()
        bad = self._random.choice(_BAD) if self._weather.strikes(self._weather.profile.bad_turn) else ""
        try:
            outcome = await self._live(desk, turn, bad, timeout_seconds)
            turn.ended = now()
            turn.said = desk.said.state if desk.said else ""
            return outcome
        finally:
            self._life.turning = False

    async def _live(self, desk: Desk, turn: TurnTaken, bad: str, timeout_seconds: float) -> TurnOutcome:
        if bad == "hang":
            await asyncio.sleep(timeout_seconds)
            return TurnOutcome("timeout", detail=f"no answer for {timeout_seconds:g} s")
        await asyncio.sleep(min(timeout_seconds, self._think * self._random.lognormvariate(0.0, 0.5)))
        if bad == "refuse":
            return TurnOutcome("refusal", detail="the model declined")
        if bad == "limit":
            retry = self._random.choice((0.0, 5.0, 20.0))
            return TurnOutcome("error", detail="429", rate_limited=True, retry_after_seconds=retry)
        if self._parrot:
            turn.parroted = True
            await desk.broadcast(*PARROT, "working")
            return TurnOutcome("end_turn")
        try:
            state = await self._work(desk, turn)
            if bad == "die":
                return TurnOutcome("died", detail="the process ended")
            if bad == "stray":
                self._leave_behind(desk.fs_write(f"{keys.OUTPUT}stray-{turn.token}.md", "late", "create"))
            if bad != "silent":
                await desk.broadcast(turn.token, "done", "go on", state)
            if bad == "twice":
                await desk.broadcast(f"{turn.token}-again", "done", "go on", "working")
        except MurmurError as error:
            return TurnOutcome("end_turn" if desk.said else "error", detail=str(error))
        return TurnOutcome("end_turn")

    def _leave_behind(self, call: Coroutine[object, object, str]) -> None:
        """A call that the mind does not wait for."""
        stray = asyncio.ensure_future(call)
        self._strays.add(stray)
        stray.add_done_callback(self._forget)

    def _forget(self, stray: asyncio.Task[str]) -> None:
        self._strays.discard(stray)
        if not stray.cancelled():
            stray.exception()

    async def _work(self, desk: Desk, turn: TurnTaken) -> str:
        """Do the next free item; returns the state to broadcast."""
        found = _TASK.search(await desk.fs_read(keys.DIRECTION))
        if found is None:
            return "idle"
        batch, items = found[1], int(found[2])
        done = {f["path"] for f in json.loads(await desk.fs_list(f"{keys.OUTPUT}{batch}-", limit=200))["files"]}
        for step in range(items):
            path = f"{keys.OUTPUT}{batch}-{(step + 3 * self._life.agent) % items}.md"
            if path in done:
                continue
            try:
                await desk.fs_write(path, turn.token, "create")
            except Conflict:
                continue
            turn.wrote = True
            await desk.fs_write(SHARED, f"{turn.token}\n", "append")
            turn.appended = True
            return "working" if len(done) + 1 < items else "idle"
        return "idle"

    async def close(self) -> None:
        """See ``Mind.close``."""
        for stray in self._strays:
            stray.cancel()
