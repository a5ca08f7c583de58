"""The sections there are, in the order in which they are run and stand on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Section:
    """``module`` of this package has ``async def measure(small: bool) -> Findings``; it is ended after ``limit_seconds``."""

    title: str
    module: str
    limit_seconds: float


SECTIONS: Final = {
    "wake": Section("Waking: put → a neighbour's turn begins, beside a bare receiver", "wake", 400),
    "ring": Section("News round the ring, beside looking every interval with the same code", "ring", 200),
    "turn": Section("What a warm turn costs beside the mind's own time, step by step", "turn", 120),
    "needed": Section("Turns made ÷ turns needed", "needed", 240),
    "settled": Section("A settled flock: model calls and writes", "settled", 120),
    "resources": Section("First turn, memory and processor per agent", "resources", 200),
    "calls": Section("Status and log calls: flat in the length of the logs", "calls", 240),
    "pixel": Section("Put → pixel: how fresh the dashboard is", "pixel", 200),
    "races": Section("Races: several writers of one log, many appends to one file", "races", 120),
    "scale": Section("The simulator: what a large flock costs to simulate", "scale", 420),
    "install": Section("Installation: size, time, imports", "install", 300),
}
