"""The invariants that a world's whole history must show: I1, I3, I4, I5, I7 (docs/explanation/wake.md)."""

from __future__ import annotations

from collections import Counter, defaultdict

from murmur import keys
from murmur.config import FlockConfig
from murmur.entry import LogEntry, parse_log
from murmur.simulate.record import Put
from murmur.simulate.trouble import SHARED
from murmur.simulate.world import World


def check(world: World) -> None:
    """Add to the watch's breaches whatever the history shows."""
    logs: dict[str, dict[int, tuple[LogEntry, ...]]] = defaultdict(dict)
    said: Counter[str] = Counter()
    for key in world.store.written():
        agent = keys.agent_of_log(key)
        if agent is None:
            continue
        for life in world.store.versions(key):
            entries = _check_log(world, key, life)
            logs[_run(life[-1])][agent] = entries
            said.update(entry.action for entry in entries if not entry.failed)
    _check_said(world, said)
    _check_shared(world)
    _check_budget(world)
    widest = _widest(world)
    for run, of_run in logs.items():
        _check_wakes(world, run, of_run, widest)


def _run(put: Put) -> str:
    return put.writer.partition("/")[0]


def _check_log(world: World, key: str, life: list[Put]) -> tuple[LogEntry, ...]:
    """I3, I4 and I5 of one log in one run."""
    breach = world.watch.breach
    before = b""
    writers: list[str] = []
    for put in life:
        body = put.body or b""
        if not body.startswith(before):
            breach("I4", f"{put.writer} wrote {key} without what stood there")
        added = body.count(b"\n") - before.count(b"\n")
        if added != 1:
            breach("I3", f"{put.writer} added {added} lines to {key} at once")
        if put.writer in writers[:-1]:
            breach("I5", f"{put.writer} appended to {key} after {writers[-1]} had")
        if not writers or writers[-1] != put.writer:
            writers.append(put.writer)
        before = body
    if len({writer.partition("/")[0] for writer in writers}) > 1:
        breach("I5", f"two runs wrote one log: {writers}")
    parsed = parse_log(before)
    iterations = [entry.iteration for entry in parsed.entries]
    if iterations != list(range(len(iterations))) or parsed.bad_lines:
        breach("I3", f"{key} of {writers[-1]} has iterations {iterations} and {parsed.bad_lines} bad lines")
    return parsed.entries


def _check_said(world: World, said: Counter[str]) -> None:
    """I3: one line a turn. A turn that was not cut off has its line; none has two."""
    newest = {id(turn.life): turn for turn in world.turns}
    for turn in world.turns:
        lines = said[turn.token]
        if lines > 1:
            world.watch.breach("I3", f"turn {turn.token} of {turn.life.name} has {lines} lines")
        went_on = newest[id(turn.life)] is not turn
        quiet = turn.said == "idle" and not turn.wrote
        if turn.ended is not None and turn.said and went_on and not quiet and not lines:
            world.watch.breach("I3", f"turn {turn.token} of {turn.life.name} said {turn.said} and left no line")


def _check_shared(world: World) -> None:
    """I4: every confirmed append to the shared file stands there once, every other at most once."""
    found: Counter[bytes] = Counter()
    for life in world.store.versions(SHARED):
        before = b""
        for put in life:
            if not (put.body or b"").startswith(before):
                world.watch.breach("I4", f"{put.writer} wrote {SHARED} without what stood there")
            before = put.body or b""
        found.update(before.split())
    for turn in world.turns:
        times = found[turn.token.encode()]
        if times > 1 or (turn.appended and not times):
            world.watch.breach("I4", f"{turn.token} of {turn.life.name} stands in {SHARED} {times} times")


def _check_budget(world: World) -> None:
    """I7: turns never exceed the budget."""
    most = max(  # a start that was cut off before config.json was written runs with the defaults
        (
            FlockConfig.from_json(put.body).maxTurnsPerAgent
            for put in world.store.puts
            if put.key == keys.CONFIG and put.body
        ),
        default=FlockConfig().maxTurnsPerAgent,
    )
    for (run, agent), turns in Counter((turn.life.run, turn.life.agent) for turn in world.turns).items():
        if turns > most:
            world.watch.breach("I7", f"agent-{agent} took {turns} turns in {run}; {most} are allowed")


def _widest(world: World) -> int:
    """Most readers that a log ever had."""
    configs = [FlockConfig.from_json(put.body) for put in world.store.puts if put.key == keys.CONFIG and put.body] or [
        FlockConfig()
    ]
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
            world.watch.breach(
                "I1", f"iteration {iteration} of agent-{source} in {run} caused turns of {sorted(agents)}"
            )
        news = next((e for e in logs.get(source, ()) if e.iteration == iteration), None)
        if news is None or not news.is_news:
            world.watch.breach("I1", f"agents {agents} took turns for what agent-{source} did not say in {iteration}")
