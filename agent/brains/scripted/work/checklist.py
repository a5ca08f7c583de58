"""The list workload: every item of the direction's checklist is taken by one agent, which adds its line to one shared file.

A create-only claim file settles who takes an item; the line follows. An agent that died between the two finds its claim
without a line in its next turn and writes the line first of all. Claims are never taken from another agent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.brains.scripted.facts import TurnFacts
from agent.brains.scripted.neighbours import announced
from agent.brains.scripted.report import Report
from agent.brains.scripted.text.digest import neutral
from agent.brains.scripted.tools import WHOLE_BYTES, Tools, clip, create, exists, list_files, read_text
from agent.brains.scripted.work.choice import candidates
from agent.brains.scripted.work.items import Item
from agent.brains.scripted.work.naming import CHECKLIST, CLAIMS, claim_key

_TRIES: Final = 5
"""How many items a turn tries to claim: each lost one was claimed by somebody else."""
_LINKED: Final = re.compile(r".*\(claims/([^()\s]+)\.md\)\)")
_TAKEN_BY: Final = re.compile(r"Taken by agent-(\d{1,7}) ")


class Standing(NamedTuple):
    """Which items have a line, and which are claimed without one, by claim name."""

    written: frozenset[str]
    unfinished: frozenset[str]


def intent(item: Item) -> str:
    """How the wish to take an item is announced, as it will stand in the log."""
    return clip(f"take the item {item.text}")


class Checklist:
    """One turn's look at the checklist."""

    def __init__(self, tools: Tools, facts: TurnFacts, items: Sequence[Item], seed: int) -> None:
        self._tools = tools
        self._facts = facts
        self._items = {item.claim: item for item in items}
        self._seed = seed

    async def work(self) -> Report:
        """Finish the agent's own claims, else take one item nobody has. Raises ToolRefused."""
        standing = await self._standing()
        finished = await self._finish_own(standing)
        if finished:
            return await self._report("finished its own claim on", finished)
        untaken = self._items.keys() - standing.written - standing.unfinished
        wishes = await announced(self._tools, self._facts) if untaken else frozenset()
        for item in self._open(standing, wishes)[:_TRIES]:
            if await create(self._tools, claim_key(item.claim), self._claim(item)):
                await self._write_line(item)
                return await self._report("took", [item])
        return await self._report("looked for an item", [])

    async def _standing(self) -> Standing:
        text = ""
        if await exists(self._tools, CHECKLIST):
            text = (await read_text(self._tools, CHECKLIST, bound=WHOLE_BYTES)).text
        lines = {match[1] for line in text.splitlines() if (match := _LINKED.fullmatch(line))}
        claims = {file.path for file in await list_files(self._tools, CLAIMS)}
        written = frozenset(self._items.keys() & lines)
        return Standing(written, frozenset(n for n in self._items.keys() - written if claim_key(n) in claims))

    async def _finish_own(self, standing: Standing) -> list[Item]:
        """Write the lines that claims of this agent lack: a turn was cut off between claim and line."""
        finished = []
        for item in (item for name, item in self._items.items() if name in standing.unfinished):
            claim = await self._tools.call("fs_read", path=claim_key(item.claim), offset=0, limit=4096)
            owner = _TAKEN_BY.match(claim)
            if owner and int(owner[1]) == self._facts.agent:
                await self._write_line(item)
                finished.append(item)
        return finished

    def _open(self, standing: Standing, wishes: frozenset[str]) -> list[Item]:
        """The items nobody has taken, best choice first."""
        pending = self._items.keys() - standing.written - standing.unfinished
        order = candidates(
            list(self._items), pending, lambda name: intent(self._items[name]) in wishes, self._facts, self._seed
        )
        return [self._items[name] for name in order]

    def _claim(self, item: Item) -> str:
        return (
            f"Taken by agent-{self._facts.agent} in its turn {self._facts.iteration}. "
            f"The scripted brain records who takes an item; it does not carry it out.\n\n> {neutral(item.text)}\n"
        )

    async def _write_line(self, item: Item) -> None:
        line = f"- [x] {neutral(item.text)} (taken by [agent-{self._facts.agent}](claims/{item.claim}.md))\n"
        await self._tools.call("fs_write", path=CHECKLIST, content=line, mode="append")

    async def _report(self, deed: str, done: Sequence[Item]) -> Report:
        standing = await self._standing()
        rest = self._open(standing, frozenset())
        count = f"{len(standing.written)} of {len(self._items)} items stand in {CHECKLIST}"
        if standing.unfinished:
            count += f"; {len(standing.unfinished)} claimed and not yet written"
        action = f"{deed} {', '.join(item.text for item in done)}" if done else deed
        if rest:
            return Report(action, count, intent(rest[0]))
        return Report(action, count, "idle: every item is taken", idle=True)
