"""Changing who reads whom in the middle of a run, on a real flock: amorphous, mesh, swarm and back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from murmur.entry import LogEntry
from tests.e2e.flock import Flock, documents, flock

AGENTS = 4
MAP = "Digest every document, then write one index."
QUICK = {"loopIntervalSeconds": 2.0, "minTurnGapSeconds": 0.1, "staggerSeconds": 0.2}
RING = {0: {1, 3}, 1: {0, 2}, 2: {1, 3}, 3: {0, 2}}


async def become(running: Flock, **changes: Any) -> dict[str, Any]:
    """Change the configuration and wait until every agent took a turn for it."""
    before = {agent["id"]: agent["counters"]["turns"] for agent in (await running.status())["agents"]}
    await running.call("PUT", "config", json=changes)
    return await running.until(
        lambda s: (
            s["algorithm"] == changes["algorithm"]
            and all(agent["counters"]["turns"] > before[agent["id"]] for agent in s["agents"])
        )
    )


async def patterns(running: Flock) -> list[Any]:
    """The keys of every reader's rule, once the rules are those of the present configuration."""
    listed = (await running.call("GET", "queues"))["queues"]
    return [queue["pattern"]["detail"]["object"]["key"] for queue in sorted(listed, key=lambda queue: queue["agent"])]


async def until_rules_say(running: Flock, *, everyone: bool) -> None:
    for _ in range(240):
        found = [isinstance(keys[0], dict) for keys in await patterns(running)]
        if len(found) == AGENTS and all(is_everyone is everyone for is_everyone in found):
            return
        await asyncio.sleep(0.25)
    raise AssertionError(f"the rules were not put anew: {await patterns(running)}")


def wakers(entries: list[LogEntry]) -> set[int]:
    return {waker.agent for entry in entries for waker in entry.woken_by}


def unheard(status: dict[str, Any], logs: dict[int, list[LogEntry]]) -> str:
    """I2: every entry that is news is among what each of its readers has taken into account. "" if so, else who missed what."""
    for reader in status["agents"]:
        seen = {int(agent): iteration for agent, iteration in reader["seen"].items()}
        for writer in reader["neighbours"]:
            news = [entry.iteration for entry in logs[writer] if entry.is_news]
            if news and seen.get(writer, -1) < news[-1]:
                return f"{reader['name']} missed agent-{writer}#{news[-1]}"
    return ""


async def rest(running: Flock) -> tuple[dict[str, Any], dict[int, list[LogEntry]]]:
    """Settled, everything heard: after a change the flock still says settled until a check finds a turn under way."""
    for _ in range(240):
        status = await running.until_state("settled")
        logs = await running.check_logs(AGENTS)
        missed = unheard(status, logs)
        if not missed:
            return status, logs
        await asyncio.sleep(0.25)
    raise AssertionError(missed)


async def test_a_flock_switches_between_all_three_ways_mid_run_and_rests_in_each(tmp_path: Path) -> None:
    given = documents(24)
    everyone = {agent: set(range(AGENTS)) - {agent} for agent in range(AGENTS)}
    async with flock(tmp_path / "home", think_seconds=0.3) as running:
        await running.knowledge(given)
        run = await running.start(MAP, concurrency=AGENTS, neighbourRadius=1, swarmK=2, **QUICK)
        await running.until(lambda s: s["totals"]["turns"] >= AGENTS)
        await until_rules_say(running, everyone=False)

        await become(running, algorithm="mesh")
        await until_rules_say(running, everyone=True)
        await become(running, algorithm="swarm")
        await until_rules_say(running, everyone=True)
        status = await running.until(lambda s: all(len(agent["neighbours"]) == 2 for agent in s["agents"]))
        assert status["run"] == run

        before, _ = await rest(running)
        await asyncio.sleep(3 * QUICK["loopIntervalSeconds"])
        after = await running.status()
        assert after["state"] == "settled"
        assert after["totals"]["turns"] == before["totals"]["turns"]  # a swarm at rest makes no turn

        await become(running, algorithm="amorphous")
        await until_rules_say(running, everyone=False)
        status, logs = await rest(running)
        assert [set(agent["neighbours"]) for agent in status["agents"]] == list(RING.values())
        assert any(entry.cause == "config" for log in logs.values() for entry in log)
        files = await running.files()
        assert len([name for name in files if name.startswith("output/digests/")]) == len(given)
        assert all(wakers(log) <= everyone[agent] for agent, log in logs.items())
