"""Believable goings-on for a FakeFlock: a history at once, and then activity, both from a seed."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from murmur.entry import timestamp
from tests.browser.fake.flock import FakeFlock

TOPICS = (
    "architecture",
    "wake",
    "contracts",
    "style",
    "queues",
    "budget",
    "runner",
    "ring",
    "gate",
    "history",
    "tools",
    "fallback",
)
DIGEST = """# Digest of {topic}.md

*Extractive digest, written by agent {agent}.*

## Key sentences

- An agent with nothing new to see does nothing at all.
- A neighbour's write wakes it, within a second.
- The shared bucket is the only channel between agents.

## Terms

| term | weight |
|---|---|
| wake | 0.41 |
| gate | 0.33 |
| neighbour | 0.28 |

> Quiet is decided globally, never from a neighbourhood.

1. Read what changed, by `Range GET`.
2. Judge whether it is worth a turn.
3. Append *one* line, then acknowledge.
"""
INDEX = (
    "# Index\n\n"
    + "\n".join(f"- **{topic}**: what it says about {topic}s, in three sentences" for topic in TOPICS)
    + "\n"
)


class Story:
    """Tells what the agents of a flock do."""

    def __init__(self, flock: FakeFlock, seed: int = 7) -> None:
        self.flock = flock
        self.random = random.Random(seed)
        self._taken = 0

    async def history(self, turns: int = 40) -> None:
        """Let ``turns`` turns have happened in the last minutes."""
        flock = self.flock
        for topic in TOPICS:
            await flock.put_file(
                f"knowledge-base/{topic}.md", f"# {topic}\n\nWhat there is to know of {topic}.\n".encode()
            )
        began = datetime.now(UTC) - timedelta(seconds=252)
        flock.control["started"] = flock.control["since"] = timestamp(began)
        for turn in range(turns):
            agent = turn if turn < len(flock.logs) else self.random.randrange(len(flock.logs))
            at = began + timedelta(seconds=3 + turn * 245 / turns)
            entry = self.entry(agent)
            await self._files(entry, agent)
            written = await flock.write(agent, **{**entry, "ts": timestamp(at)})
            flock.info[agent]["evidence"] = {"alive": written["ts"], "age_seconds": None}
        for info in flock.info.values():
            counters = info["counters"]
            counters["wakes"] = counters["turns"] * 2 + self.random.randrange(3)
            counters["gated"] = max(0, counters["wakes"] - counters["turns"])
            info["evidence"]["alive"] = timestamp(datetime.now(UTC) - timedelta(seconds=self.random.randrange(2, 40)))

    async def scene(self) -> None:
        """Some agents in a turn, one pacing, one backing off, one idle: something to see of each."""
        flock, size = self.flock, len(self.flock.logs)
        soon = timestamp(datetime.now(UTC) + timedelta(seconds=23))
        pairs = [(agent, flock.info[agent]["neighbours"][0]) for agent in range(0, size, 3)]
        for _, near in pairs:
            await flock.write(near, **self.entry(near))
        for agent, near in pairs:
            await flock.begin(agent, woken_by=[{"agent": near, "iteration": len(flock.logs[near]) - 1}])
        await flock.change(1 % size, status="idle")
        if size > 4:
            await flock.change(4, status="backing-off", detail="the runner asked to slow down", until=soon)
            await flock.change(5, status="pacing", until=soon)
        if size > 32:
            await flock.change(37, status="missing", detail="its process ended")
            await flock.change(22, status="parked", detail="200 of 200 turns are spent")

    async def activity(self, seconds: float = 1e9, gap: float = 0.4) -> None:
        """Turns, one after another, until the time is over."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(gap * (0.5 + self.random.random()))
            if self.flock.control["state"] != "running":
                continue
            agent = self.random.randrange(len(self.flock.logs))
            info = self.flock.info[agent]
            if info["turn"] is None:
                near = self.random.choice(info["neighbours"] or [agent])
                await self.flock.begin(agent, woken_by=[{"agent": near, "iteration": len(self.flock.logs[near]) - 1}])
            else:
                entry = self.entry(agent)
                await self.flock.write(agent, **entry)
                await self._files(entry, agent)

    def entry(self, agent: int) -> dict[str, Any]:
        """What the agent says of one turn."""
        near = self.random.choice(self.flock.info[agent]["neighbours"] or [agent])
        first = not self.flock.logs[agent]
        more: dict[str, Any] = {
            "cause": "start" if first else "neighbour",
            "woken_by": [] if first else [{"agent": near, "iteration": max(0, len(self.flock.logs[near]) - 1)}],
            "wake_ms": None if first else self.random.randrange(9, 60),
            "turn_ms": self.random.randrange(600, 9000),
        }
        if self.random.random() < 0.2:
            return more | {
                "action": "compared the listing with what my neighbours say they took",
                "result": "every document near me is taken",
                "next_intent": "rest until a neighbour reports something new",
                "state": "idle",
            }
        topic = TOPICS[self._taken % len(TOPICS)]
        self._taken += 1
        return more | {
            "action": f"took {topic}.md and wrote its digest",
            "result": f"output/{topic}.md: {self.random.randrange(4, 9)} key sentences, {self.random.randrange(10, 24)} terms",
            "next_intent": "take the next document nobody has taken",
            "files": [f"output/{topic}.md"],
        }

    async def _files(self, entry: dict[str, Any], agent: int) -> None:
        for key in entry.get("files", ()):
            topic = key.removeprefix("output/").removesuffix(".md")
            await self.flock.put_file(key, DIGEST.format(topic=topic, agent=agent).encode(), agent)
        if self._taken == len(TOPICS):
            await self.flock.put_file("output/index.md", INDEX.encode(), agent)
