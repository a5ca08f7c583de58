"""The polling design in numbers, without running it: turns on a fixed beat hang on nothing that happens.

Where a flock is too large to run the polling design for real (it takes a turn everywhere in every interval), its table column is
computed: when the news arrives, and how many turns are made until then. ``tests/simulation/test_scale.py`` holds it to the real run.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from random import Random

from murmur import ring
from murmur.simulate.question import Question


@dataclass(frozen=True, slots=True)
class Foretold:
    """What polling comes to."""

    learning_seconds: tuple[float, ...]
    """When each agent's line stands, in seconds after the first one's, ascending."""
    turns_per_hour: float
    """In work and at rest alike."""

    @property
    def reach_seconds(self) -> float:
        """When the last agent's line stands."""
        return self.learning_seconds[-1]


def foretell(question: Question) -> Foretold:
    """The first line that tells stands at 0; then every reader passes it on in the first turn that begins after it could be read."""
    random = Random(question.seed)
    beat = max(question.interval_seconds, question.think_seconds)
    begins = [random.uniform(0, beat) for _ in range(question.agents)]
    told: dict[int, float] = {}
    waiting = [(begins[0], 0)]
    while waiting:
        now, agent = heapq.heappop(waiting)
        if agent in told:
            continue
        told[agent] = now
        for other in ring.ring_neighbours(agent, question.agents, question.radius):
            if other not in told:
                wait = (begins[other] - now) % beat
                heapq.heappush(waiting, (now + wait + question.think_seconds, other))
    lines = sorted(told.values())
    return Foretold(tuple(at - lines[0] for at in lines), question.agents * 3600 / beat)
