"""The invariants that a world's whole history must show: I1, I3, I4, I5, I7 (docs/explanation/wake.md)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import groupby
from typing import Final

from murmur import keys
from murmur.config import FlockConfig
from murmur.control import parse_control
from murmur.entry import LogEntry, parse_log
from murmur.roster import Roster
from murmur.simulate.record import Put
from murmur.simulate.trouble import SHARED
from murmur.simulate.world import World

MOST_LAUNCHES: Final = 6
"""How often a host may be started in a run (wake.md)."""


def check(world: World) -> None:
    """Add to the world's breaches whatever the history shows."""
    logs: dict[str, dict[int, tuple[LogEntry, ...]]] = defaultdict(dict)
    said: Counter[str] = Counter()
    for key in world.store.written():
        agent = keys.agent_of_log(key)
        if agent is None:
            continue
        for life in world.store.versions(key):
            for run, entries in _check_log(world, key, agent, life).items():
                logs[run][agent] = entries
                said.update(entry.action for entry in entries if not entry.failed)
    _check_said(world, said)
    _check_shared(world)
    _check_budget(world)
    _check_claims(world)
    _check_starts(world)
    _check_launches(world)
    _check_repeats(world, logs)
    widest = _widest(world)
    for run, of_run in logs.items():
        _check_wakes(world, run, of_run, widest)


def _run(put: Put) -> str:
    return put.writer.partition("/")[0]


def _check_log(world: World, key: str, agent: int, life: list[Put]) -> dict[str, tuple[LogEntry, ...]]:
    """I3, I4 and I5 of one log, from its first version to its deletion; what each run wrote there.

    A process of an earlier run may have begun the log, late: it is written over by the run that owns it, and never the other way.
    """
    breach = world.breach
    wrote: dict[str, tuple[LogEntry, ...]] = {}
    for run, puts in groupby(life, key=_run):
        if wrote and run <= max(wrote):
            breach("I5", f"a process of {run} wrote {key} after one of {max(wrote)} had")
        wrote[run] = _check_part(world, key, agent, list(puts))
    return wrote


def _check_part(world: World, key: str, agent: int, puts: list[Put]) -> tuple[LogEntry, ...]:
    breach = world.breach
    before, lines = b"", list[bytes]()
    writers: list[str] = []
    for put in puts:
        body = put.body or b""
        if before.endswith(body) and len(body) < len(before):
            if not _rolled(world, agent, before[: len(before) - len(body)], put):
                breach("I4", f"{put.writer} rolled {key} without a segment that holds what went")
        elif not body.startswith(before):
            breach("I4", f"{put.writer} wrote {key} without what stood there")
        else:
            new = body[len(before) :].splitlines()
            lines += new
            if len(new) != 1:
                breach("I3", f"{put.writer} added {len(new)} lines to {key} at once")
        if put.writer in writers[:-1]:
            breach("I5", f"{put.writer} appended to {key} after {writers[-1]} had")
        if not writers or writers[-1] != put.writer:
            writers.append(put.writer)
        before = body
    parsed = parse_log(b"\n".join(lines))
    iterations = [entry.iteration for entry in parsed.entries]
    if iterations != list(range(len(iterations))) or parsed.bad_lines:
        breach("I3", f"{key} of {writers[-1]} has iterations {iterations} and {parsed.bad_lines} bad lines")
    return parsed.entries


def _rolled(world: World, agent: int, gone: bytes, at: Put) -> bool:
    """Whether a segment written before holds the lines that went."""
    segments = (put for put in world.store.puts if put.key.startswith(keys.segments(agent)) and put.at <= at.at)
    return any(put.body is not None and put.body.endswith(gone) for put in segments)


def _check_claims(world: World) -> None:
    """I2: what an agent says it has seen, it was shown: a turn that did not fail began after the news stood there."""
    shown: dict[tuple[str, int], list[float]] = defaultdict(list)
    for turn in world.turns:
        if turn.said:
            shown[turn.life.run, turn.life.agent].append(turn.began)
    passed: dict[tuple[str, int, int], int] = {}
    news: dict[tuple[str, int], list[tuple[int, float]]] = defaultdict(list)
    for put in world.store.puts:
        agent = keys.agent_of_log(put.key)
        if agent is None:
            agent = keys.agent_of_state(put.key)
        if agent is None or put.body is None:
            continue
        run = _run(put)
        value = json.loads(put.body.splitlines()[-1])
        if keys.agent_of_log(put.key) is not None:
            known = news[run, agent]
            if (value.get("files") or (value["state"] == "working" and not value.get("failed"))) and (
                not known or known[-1][0] < value["iteration"]
            ):
                known.append((value["iteration"], put.at))
        for other, iteration in (value.get("seen") or {}).items():
            place = (run, agent, int(other))
            before, passed[place] = passed.get(place, -1), max(passed.get(place, -1), iteration)
            due = [at for i, at in news[run, int(other)] if before < i <= iteration]
            if due and not any(began >= max(due) for began in shown[run, agent] if began <= put.at):
                world.breach(
                    "I2", f"{put.writer} says that it saw iteration {iteration} of agent-{other}, and no turn did"
                )


def _check_starts(world: World) -> None:
    """A run begins with the configuration that its start asked for, or with one that was written after the start had read it."""
    wanted: dict[str, tuple[FlockConfig, str]] = {}
    config, etag = FlockConfig(), ""
    begun: set[str] = set()
    for put in world.store.puts:
        if put.body is None:
            continue
        if put.key == keys.CONTROL:
            control = parse_control(put.body)
            if control.state == "starting" and control.handover is not None and control.handover.config is not None:
                wanted[control.run] = control.handover.config, control.handover.config_etag
        elif put.key == keys.CONFIG:
            config, etag = FlockConfig.from_json(put.body), hashlib.md5(put.body, usedforsecurity=False).hexdigest()
        elif put.key == keys.ROSTER:
            roster = Roster.model_validate_json(put.body)
            if roster.run in begun or roster.run not in wanted:
                continue
            begun.add(roster.run)
            asked, based_on = wanted[roster.run]
            if roster.config != asked and (etag == based_on or roster.config != config):
                world.breach("start", f"{roster.run} began with another configuration than it was asked for")


def _check_launches(world: World) -> None:
    """A host that dies is started again a bounded number of times."""
    for (run, name), times in world.fleet.launches.items():
        if times > MOST_LAUNCHES:
            world.breach("repair", f"{name} was started {times} times in {run}")


def _check_repeats(world: World, logs: Mapping[str, Mapping[int, tuple[LogEntry, ...]]]) -> None:
    """An agent that says the same again and again stands still until the operator, or a new process, lets it go on."""
    for run, of_run in logs.items():
        acts = 1 + sum(put.writer == "operator" for put in world.store.puts)
        for agent, entries in of_run.items():
            lives = sum((life.run, life.agent) == (run, agent) for life in world.fleet.lives)
            words = [(e.action, e.result, e.next_intent) for e in entries if not e.failed and e.state == "working"]
            most = max((sum(1 for _ in same) for _, same in groupby(words)), default=0)
            if most > _repeats(world) * (acts + lives):
                world.breach("loop", f"agent-{agent} said the same {most} times in a row in {run}")


def _repeats(world: World) -> int:
    return max((config.maxRepeats for config in _configs(world)), default=0)


def _configs(world: World) -> list[FlockConfig]:
    """Every configuration there ever was."""
    return [FlockConfig.from_json(put.body) for put in world.store.puts if put.key == keys.CONFIG and put.body]


def _check_said(world: World, said: Counter[str]) -> None:
    """I3: one line a turn. A turn that was not cut off has its line; none has two."""
    newest = {id(turn.life): turn for turn in world.turns}
    for turn in world.turns:
        lines = said[turn.token]
        if lines > 1:
            world.breach("I3", f"turn {turn.token} of {turn.life.name} has {lines} lines")
        went_on = newest[id(turn.life)] is not turn
        quiet = turn.said == "idle" and not turn.wrote
        if turn.ended is not None and turn.said and not turn.parroted and went_on and not quiet and not lines:
            world.breach("I3", f"turn {turn.token} of {turn.life.name} said {turn.said} and left no line")


def _check_shared(world: World) -> None:
    """I4: every confirmed append to the shared file stands there once, every other at most once."""
    found: Counter[bytes] = Counter()
    for life in world.store.versions(SHARED):
        before = b""
        for put in life:
            if not (put.body or b"").startswith(before):
                world.breach("I4", f"{put.writer} wrote {SHARED} without what stood there")
            before = put.body or b""
        found.update(before.split())
    for turn in world.turns:
        times = found[turn.token.encode()]
        if times > 1 or (turn.appended and not times):
            world.breach("I4", f"{turn.token} of {turn.life.name} stands in {SHARED} {times} times")


def _check_budget(world: World) -> None:
    """I7: turns never exceed the budget."""
    most = max((config.maxTurnsPerAgent for config in _configs(world)), default=0)
    for (run, agent), turns in Counter((turn.life.run, turn.life.agent) for turn in world.turns).items():
        if turns > most:
            world.breach("I7", f"agent-{agent} took {turns} turns in {run}; {most} are allowed")


def _widest(world: World) -> int:
    """Most readers that a log ever had."""
    configs = _configs(world)
    if any(config.algorithm != "amorphous" for config in configs):
        return max(config.concurrency for config in configs) - 1
    return 2 * max((config.neighbourRadius for config in configs), default=0)


def _check_wakes(world: World, run: str, logs: dict[int, tuple[LogEntry, ...]], widest: int) -> None:
    """I1: an entry that is news causes at most one turn at each of its readers, and there are at most 2R of them."""
    caused: dict[tuple[int, int], list[int]] = defaultdict(list)
    for agent, entries in logs.items():
        for entry in entries:
            if entry.failed:
                continue  # it is tried again, and says so
            for waker in entry.woken_by:
                caused[waker.agent, waker.iteration].append(agent)
    for (source, iteration), agents in caused.items():
        if len(agents) > widest or len(set(agents)) != len(agents):
            world.breach("I1", f"iteration {iteration} of agent-{source} in {run} caused turns of {sorted(agents)}")
        news = next((e for e in logs.get(source, ()) if e.iteration == iteration), None)
        if news is None or not news.is_news:
            world.breach("I1", f"agents {agents} took turns for what agent-{source} did not say in {iteration}")
