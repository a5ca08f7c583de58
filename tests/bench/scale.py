"""The simulator itself: how long, how much memory and how many simulated requests a second, by size of the flock."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from tests.bench.findings import Findings, Table
from tests.bench.simulate_one import Cost
from tests.bench.simulated import answer
from tests.bench.stats import number

MIB: Final = 2**20
_LIMIT_SECONDS: Final = 200.0
_QUESTIONS: Final[tuple[dict[str, Any], ...]] = (
    {"agents": 64, "radius": 1, "mode": "event"},
    {"agents": 64, "radius": 1, "mode": "polling"},
    {"agents": 256, "radius": 4, "mode": "event"},
    {"agents": 256, "radius": 4, "mode": "polling"},
    {"agents": 1000, "radius": 4, "mode": "event"},
)
"""A thousand agents that poll would make about 140,000 turns: that is computed, never run."""
_BOUND: Final = (
    "What bounds it: one core, evenly over all that an agent does; of a thousand agents' requests, four in five are the looks of the "
    "fallback (agents × intervals × neighbours)."
)


async def _cost(question: dict[str, Any]) -> Cost:
    """One design in a process of its own. Raises RuntimeError, TimeoutError."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        return Cost(**await answer("tests.bench.simulate_one", json.dumps(question)))


async def measure(small: bool) -> Findings:
    """Both designs, each size alone."""
    rows = []
    for question in _QUESTIONS[:1] if small else _QUESTIONS:
        cost = await _cost(question)
        row = (
            number(cost.wall_seconds, 1),
            number(cost.peak_bytes / MIB),
            number(cost.virtual_seconds),
            number(cost.turns),
            number(cost.requests),
            number(cost.requests / cost.wall_seconds),
        )
        rows.append((f"{question['agents']} agents, radius {question['radius']}, {question['mode']}", *row))
    headings = ("flock", "wall, s", "peak, MiB", "simulated, s", "turns", "requests", "requests/s")
    return Findings(
        "100 pieces of work, two minutes at rest, then news for everybody, thinking 20 s, interval 30 s: `murmur simulate`, each design alone in "
        "a process of its own. *Requests*: to S3 and SQS and events on the bus, all simulated. Beyond 64 agents `murmur simulate` computes the "
        "polling design where it stands beside; here it is run for 256 (for 1,000 it would make about 140,000 turns).",
        (Table(headings, tuple(rows)),),
        (_BOUND,),
    )
