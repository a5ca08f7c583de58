"""What a host tells of its agents' health: lines CloudWatch makes metrics of, and none where nobody asked."""

import asyncio
import json
from datetime import UTC, datetime

from agent.heart import Heart
from agent.vitals import EVERY_SECONDS, EmfVitals
from murmur.entry import LogEntry
from murmur.memory.store import MemoryStore
from murmur.state import AgentState


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        if len(self.slept) > 2:
            await asyncio.Event().wait()


def told(lines: list[str]) -> list[dict]:
    return [json.loads(line) for line in lines]


def vitals(lines: list[str]) -> EmfVitals:
    return EmfVitals("murmur", "host-3", Clock(), lines.append)


def entry(**more) -> LogEntry:
    given = {"ts": "2026-11-23T00:00:00.000Z", "iteration": 4, "action": "a", "result": "b", "next_intent": "c"}
    return LogEntry.model_validate({**given, "state": "working", "cause": "neighbour", **more})


def check_emf(line: dict) -> None:
    """Every metric named has its value beside it, and every dimension, too (the specification's rules)."""
    (about,) = line["_aws"]["CloudWatchMetrics"]
    assert about["Namespace"] == "Murmur"
    assert about["Dimensions"] == [["Flock"]]
    assert line["Flock"] == "murmur"
    assert about["Metrics"]
    assert all(isinstance(line[metric["Name"]], int | float) for metric in about["Metrics"])
    assert abs(line["_aws"]["Timestamp"] - 1795392000000) < 1000


def test_a_turn_is_told_with_its_wake_latency_and_its_trace():
    lines: list[str] = []
    vitals(lines).turned(7, entry(wake_ms=412, turn_ms=2300, trace="event-1"))
    (line,) = told(lines)
    check_emf(line)
    assert (line["Turns"], line["WakeLatency"], line["TurnTime"]) == (1, 412, 2300)
    assert (line["agent"], line["iteration"], line["cause"], line["host"]) == (7, 4, "neighbour", "host-3")
    assert line["correlation_id"] == "event-1"
    units = {metric["Name"]: metric["Unit"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units == {"Turns": "Count", "WakeLatency": "Milliseconds", "TurnTime": "Milliseconds"}


def test_a_turn_nobody_woke_has_no_latency_rather_than_none():
    lines: list[str] = []
    vitals(lines).turned(7, entry(cause="start"))
    (line,) = told(lines)
    check_emf(line)
    assert "WakeLatency" not in line


def test_what_hearts_count_is_told_in_sums_and_once():
    lines: list[str] = []
    shared = vitals(lines)
    for agent in (0, 1):
        heart = Heart(MemoryStore(), Clock(), AgentState(agent=agent, run="r"), shared)
        heart.count(wakes=2, gated=1, rescues=0)
        heart.count(turns=1, failed_turns=True, tokens=50, cost=0.5)
    shared.flush()
    shared.flush()
    first, second = told(lines)
    check_emf(first)
    assert {name: first[name] for name in ("Wakes", "Gated", "Rescues", "FailedTurns", "Tokens")} == {
        "Wakes": 4,
        "Gated": 2,
        "Rescues": 0,
        "FailedTurns": 2,
        "Tokens": 100,
    }
    assert (second["Wakes"], second["Gated"], second["Tokens"]) == (0, 0, 0)


async def test_counts_are_told_every_minute_and_once_more_at_the_end():
    lines: list[str] = []
    clock = Clock()
    shared = EmfVitals("murmur", "host-3", clock, lines.append)
    watching = asyncio.create_task(shared.watch())
    while len(clock.slept) < 3:
        await asyncio.sleep(0)
    assert set(clock.slept) == {EVERY_SECONDS}
    assert len(lines) == 2
    shared.counted({"wakes": 3})
    watching.cancel()
    await asyncio.wait({watching})
    assert told(lines)[-1]["Wakes"] == 3
