"""``python -m tests.bench.simulate_one JSON``: one simulated design alone, and what it took. For ``scale``."""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import dataclass

from murmur.simulate.experiment import simulate
from murmur.simulate.question import Question


@dataclass(frozen=True, slots=True)
class Cost:
    """What simulating one design took. ``requests``: to S3 and SQS, and events on the bus, all of them simulated."""

    wall_seconds: float
    virtual_seconds: float
    turns: int
    requests: int
    peak_bytes: int


def main(words: str) -> None:
    """Simulate, and print the cost as JSON."""
    began = time.perf_counter()
    found = simulate(Question(**json.loads(words)))
    wall = time.perf_counter() - began
    spans = (found.work, found.rest, found.news)
    cost = {
        "wall_seconds": wall,
        "virtual_seconds": sum(span.seconds for span in spans),
        "turns": sum(span.turns for span in spans),
        "requests": sum(span.requests.total() for span in spans),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
