"""What thinks in a simulated flock: light minds that do the least honest work, so that a thousand of them cost little.

``Worker`` is a map workload: a number of pieces, each a file in output/ that must not exist yet. ``think`` comes first, as with the
scripted brain, then one look at what is there and one piece of work. With ``NEWS`` in its prompt it passes the news on, once.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Final

from agent.ports import TurnOutcome
from agent.tools.desk import Desk
from murmur import keys
from murmur.errors import Conflict

NEWS: Final = "news: the heron has landed"
_PAGE: Final = 1000
_TRIES: Final = 5
_ENDED: Final = TurnOutcome("end_turn")


@dataclass(slots=True)
class Ledger:
    """What the minds of one flock did, for the table: it is no part of how they work."""

    pieces: int
    done_at: list[float] = field(default_factory=list)
    """When each piece was finished, on the loop's clock."""
    told_at: dict[int, float] = field(default_factory=dict)
    """When each agent had taken the news in, and its turn ended."""
    knows_at: dict[int, float] = field(default_factory=dict)
    """When each agent first saw that no piece is left."""
    over: int = 0
    """Turns that made a piece and saw in the same turn that none is left."""


class Worker:
    """A Mind (agent/ports.py) for one agent."""

    scripted = True

    def __init__(self, agent: int, size: int, think_seconds: float, ledger: Ledger) -> None:
        self._agent = agent
        self._size = size
        self._think_seconds = think_seconds
        self._ledger = ledger

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        """See ``Mind.run``."""
        desk.listed.set()
        await asyncio.sleep(min(self._think_seconds, timeout_seconds))
        if self._think_seconds > timeout_seconds:
            return TurnOutcome("timeout", detail=f"it thinks for {self._think_seconds:g} s")
        if NEWS in prompt and self._agent not in self._ledger.told_at:
            self._ledger.told_at[self._agent] = asyncio.get_running_loop().time()
            await desk.broadcast("passed on", NEWS, "rest", "working")
            return _ENDED
        await self._work(desk)
        return _ENDED

    async def _work(self, desk: Desk) -> None:
        free = await self._free(desk)
        made = ""
        for piece in free[:_TRIES]:
            try:
                await desk.fs_write(_path(piece), f"by agent-{self._agent}\n", "create")
            except Conflict:
                continue
            made = _path(piece)
            self._ledger.done_at.append(asyncio.get_running_loop().time())
            break
        left = len(await self._free(desk)) if free else 0
        if not left and self._agent not in self._ledger.knows_at:
            self._ledger.knows_at[self._agent] = asyncio.get_running_loop().time()
            self._ledger.over += bool(made)
        state = "working" if left else "idle"
        await desk.broadcast("made" if made else "looked", made or "nothing", f"{left} pieces are left", state)

    async def _free(self, desk: Desk) -> list[int]:
        """The pieces nobody has made, this agent's own share of them first."""
        there: set[str] = set()
        after, more = "", True
        while more:
            page = json.loads(await desk.fs_list(keys.OUTPUT, after, _PAGE))
            there |= {file["path"] for file in page["files"]}
            after, more = page["after"], page["more"]
        first = self._agent * self._ledger.pieces // self._size
        places = ((first + step) % self._ledger.pieces for step in range(self._ledger.pieces))
        return [piece for piece in places if _path(piece) not in there]

    async def close(self) -> None:
        """See ``Mind.close``: there is nothing to end."""


def _path(piece: int) -> str:
    return f"{keys.OUTPUT}piece-{piece:05d}.md"
