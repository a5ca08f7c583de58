"""A run whose wakes fit together: who wrote wakes who reads, as in earnest, from a seed; with a pause, failures and files."""

from __future__ import annotations

import heapq
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from murmur.config import FlockConfig
from murmur.entry import timestamp
from murmur.ring import neighbours
from tests.browser.fake.rooms import PastRun
from tests.browser.fake.story import TOPICS

Json = dict[str, Any]


def waves(
    agents: int = 8,
    *,
    radius: int = 1,
    seconds: float = 180,
    seed: int = 3,
    ended: datetime | None = None,
    pause: tuple[float, float] | None = None,
    calm: float = 0.3,
) -> PastRun:
    """A run of that length that ended then (now, if left out). ``pause`` in seconds from its start; ``calm``: how often a turn is idle."""
    chance = random.Random(seed)
    end = ended or datetime.now(UTC)
    start = end - timedelta(seconds=seconds)
    config = FlockConfig(concurrency=agents, neighbourRadius=radius)
    logs: dict[int, list[Json]] = {agent: [] for agent in range(agents)}
    free = dict.fromkeys(range(agents), 0.0)
    held: dict[int, list[tuple[float, Json]]] = {agent: [] for agent in range(agents)}
    due = [(chance.uniform(0.1, 3), agent, "start") for agent in range(agents)]
    heapq.heapify(due)
    files: dict[str, bytes] = {}
    taken = 0
    while due:
        at, agent, cause = heapq.heappop(due)
        if at < free[agent]:
            continue
        if pause and pause[0] <= at < pause[1]:
            heapq.heappush(due, (pause[1] + chance.uniform(0.05, 1.5), agent, "resume"))
            free[agent] = pause[1]
            continue
        wakers = [waker for when, waker in held[agent] if when <= at]
        if cause == "neighbour" and not wakers:
            continue
        arrived = max((when for when, _ in held[agent] if when <= at), default=at)
        held[agent] = [pair for pair in held[agent] if pair[0] > at]
        took = chance.uniform(1.2, 7.5)
        over = at + took
        if over > seconds - 1:
            continue
        failed = chance.random() < 0.04
        idle = not failed and chance.random() < calm and cause == "neighbour"
        topic = TOPICS[taken % len(TOPICS)]
        mine = [] if failed or idle else [f"output/{topic}.md"]
        taken += len(mine)
        words = (
            ("asked the model", "it asked to slow down (429)", "try again")
            if failed
            else ("compared the listing with what my neighbours took", "all is taken", "rest")
            if idle
            else (
                f"took {topic}.md and wrote its digest",
                f"output/{topic}.md: 6 key sentences",
                "take the next document",
            )
        )
        logs[agent].append(
            {
                "ts": timestamp(start + timedelta(seconds=over)),
                "iteration": len(logs[agent]),
                **dict(zip(("action", "result", "next_intent"), words, strict=True)),
                "state": "idle" if idle else "working",
                "cause": cause,
                "woken_by": wakers[-4:] if cause == "neighbour" else [],
                "seen": {str(n): len(logs[n]) - 1 for n in neighbours("amorphous", agent, agents, radius)},
                "wake_ms": int((at - arrived) * 1000) + chance.randrange(12, 60) if cause == "neighbour" else None,
                "turn_ms": int(took * 1000),
                "files": mine,
                "failed": failed,
                "stop_reason": "rate_limited" if failed else "end_turn",
                "trace": f"{chance.getrandbits(64):016x}",
            }
        )
        files |= dict.fromkeys(mine, f"# Digest of {topic}.md\n\nBy agent {agent}.\n".encode())
        free[agent] = over + (chance.uniform(6, 14) if failed else 0.2)
        if failed:
            held[agent].append((over, wakers[-1] if wakers else {"agent": agent, "iteration": 0}))
            heapq.heappush(due, (free[agent], agent, "neighbour" if wakers else "interval"))
        elif held[agent]:
            heapq.heappush(due, (free[agent], agent, "neighbour"))
        if not idle and not failed:
            waker = {"agent": agent, "iteration": len(logs[agent]) - 1}
            for near in neighbours("amorphous", agent, agents, radius):
                when = over + chance.uniform(0.012, 0.09)
                held[near].append((when, waker))
                heapq.heappush(due, (max(when, free[near]), near, "neighbour"))
    pauses = ()
    if pause:
        moments = [timestamp(start + timedelta(seconds=second)) for second in pause]
        pauses = ({"since": moments[0], "until": moments[1]},)
    return PastRun(
        run=start.strftime("%Y%m%dT%H%M%SZ"),
        started=timestamp(start),
        ended=timestamp(end),
        reason="settled for 60 seconds (idleTimeoutSeconds)",
        config=config,
        pauses=pauses,
        logs=logs,
        files=files,
    )


def as_present(flock: Any, run: PastRun) -> None:
    """Make this run the one the flock is in."""
    flock.logs = run.logs
    flock.pauses = run.pauses
    flock.control.update(run=run.run, started=run.started, since=run.started)
    for agent, log in run.logs.items():
        counters = flock.info[agent]["counters"]
        counters.update(turns=len(log), wakes=len(log) + 9, gated=9)
        idle = bool(log) and log[-1]["state"] == "idle"
        alive = log[-1]["ts"] if log else run.started
        flock.info[agent].update(status="idle" if idle else "waiting", evidence={"alive": alive, "age_seconds": 0.0})
