"""Turns made for each one that was needed: by simulation, and by the same minds in real time on the embedded endpoint."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from murmur.simulate.experiment import needed_turns
from murmur.simulate.minds import Ledger, Worker
from tests.bench.findings import Findings, Table
from tests.bench.simulated import simulated
from tests.bench.site import ended, site
from tests.bench.stats import number, ratio, times

PIECES: Final = 100
REAL_AGENTS: Final = 8
THINK_SECONDS: Final = 0.2
_LIMIT_SECONDS: Final = 60.0
_STILL_SECONDS: Final = 2.0


async def _real(pieces: int) -> tuple[int, int]:
    """Turns made and needed until the work is done, every agent knows it, and no turn comes any more. Raises TimeoutError."""
    ledger = Ledger(pieces)
    config: dict[str, Any] = {"loopIntervalSeconds": 30.0, "minTurnGapSeconds": 0.0, "coalesceMilliseconds": 50}
    async with site(REAL_AGENTS, direction="Make every piece.", **config) as where:
        loops = [where.loop(agent, Worker(agent, REAL_AGENTS, THINK_SECONDS, ledger)) for agent in range(REAL_AGENTS)]
        tasks = [asyncio.create_task(loop.run()) for loop in loops]
        before, made = -1, 0
        async with asyncio.timeout(_LIMIT_SECONDS):
            while len(ledger.knows_at) < REAL_AGENTS or made != before:
                before = made
                await asyncio.sleep(_STILL_SECONDS)
                made = sum(loop.counters.turns for loop in loops)
        await ended(loops, tasks)
    if len(ledger.done_at) != pieces:
        raise RuntimeError(f"{len(ledger.done_at)} of {pieces} pieces were made")
    return made, needed_turns(REAL_AGENTS, ledger)


async def measure(small: bool) -> Findings:
    """One row for each flock."""
    rows: list[tuple[str, ...]] = []
    for agents in (8,) if small else (8, 64, 256):
        pieces = max(PIECES, 2 * agents)
        found = await simulated(agents=agents, contributions=pieces)
        for column in found.designs:
            if column["turns_made"] is not None:
                made, needed = column["turns_made"], column["turns_needed"]
                rows.append(_row(f"{agents} agents, simulated, {column['mode']}", pieces, made, needed))
    pieces = 24 if small else PIECES
    rows.append(_row(f"{REAL_AGENTS} agents, real loop and endpoint, event", pieces, *await _real(pieces)))
    return Findings(
        "The flock makes pieces of work, each a file that must not exist yet, until nothing is left. Needed is one turn a piece, and one for each "
        "agent to come to know that none is left. Simulated: thinking 20 s, interval 30 s (above 64 agents polling is not run). Real: thinking "
        f"{THINK_SECONDS:g} s, interval 30 s, the same minds in the benchmark's process.",
        (Table(("flock", "pieces", "turns made", "needed", "made ÷ needed"), tuple(rows)),),
    )


def _row(name: str, pieces: int, made: int, needed: int) -> tuple[str, ...]:
    return (name, str(pieces), number(made), number(needed), times(ratio(made, needed)))
