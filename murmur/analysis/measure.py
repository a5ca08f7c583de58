"""From logs to numbers. Pure functions; nothing is read here."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from murmur.analysis.report import AgentWork, Analysis, DuplicateFile, Influence, Repeated, Step
from murmur.entry import LogEntry, moment

Logs = Mapping[int, Sequence[LogEntry]]
"""Every agent's entries, ascending; an agent that wrote nothing has an empty log."""

MOST_EDGES: Final = 5000
MOST_LISTED: Final = 100
_WORD: Final = re.compile(r"\w{3,}")
_SECOND: Final = timedelta(seconds=1)


def analyse(run: str, logs: Logs, *, current: bool = False, truncated: bool = False) -> Analysis:
    """The whole analysis."""
    entries = [(agent, entry) for agent in sorted(logs) for entry in logs[agent]]
    began, ended, span = _span([entry for _, entry in entries])
    steps, writers = _steps(logs), _writers(entries)
    edges, caused = _influence(entries)
    work = tuple(_work(agent, logs[agent], span, caused[agent]) for agent in sorted(logs))
    waits = sorted(entry.wake_ms for _, entry in entries if entry.wake_ms is not None)
    duplicates = [
        DuplicateFile(key=key, agents=tuple(dict.fromkeys(by)), writes=len(by))
        for key, by in writers.items()
        if len(set(by)) > 1
    ]
    duplicates.sort(key=lambda file: (-len(file.agents), -file.writes, file.key))
    return Analysis(
        run=run,
        current=current,
        agents=len(logs),
        entries=len(entries),
        truncated=truncated,
        began=began,
        ended=ended,
        span_seconds=round(span, 3),
        idle_share=round(statistics.fmean(agent.idle_share for agent in work), 4) if work else 0.0,
        rested_at=_rested_at(steps),
        files=len(writers),
        duplicate_share=round(len(duplicates) / len(writers), 4) if writers else 0.0,
        deepest=_deepest(entries),
        median_wake_ms=round(statistics.median(waits)) if waits else None,
        slow_wake_ms=waits[min(len(waits) - 1, len(waits) * 19 // 20)] if waits else None,
        input_tokens=sum(agent.input_tokens for agent in work),
        output_tokens=sum(agent.output_tokens for agent in work),
        cost=round(sum(agent.cost for agent in work), 6),
        steps=tuple(steps),
        influence=edges,
        duplicates=tuple(duplicates[:MOST_LISTED]),
        repeated=_repeated(entries),
        work=work,
    )


def _span(entries: Sequence[LogEntry]) -> tuple[str, str, float]:
    """First beginning, last end, and the seconds between; entries whose ``ts`` tells no time are left out."""
    times = [(when, entry) for entry in entries if (when := moment(entry.ts)) is not None]
    if not times:
        return "", "", 0.0
    first = min(when - timedelta(milliseconds=_ms(entry)) for when, entry in times)
    last, newest = max(times, key=lambda pair: pair[0])
    opening = min(times, key=lambda pair: pair[0])[1]
    return opening.ts, newest.ts, max(0.0, (last - first) / _SECOND)


def _ms(entry: LogEntry) -> int:
    """A turn's length, kept within a day: what a log says may be anything."""
    return min(max(entry.turn_ms, 0), 86_400_000)


def _steps(logs: Logs) -> list[Step]:
    by_iteration: dict[int, list[tuple[int, LogEntry]]] = defaultdict(list)
    for agent, log in logs.items():
        for entry in log:
            by_iteration[entry.iteration].append((agent, entry))
    known = {(agent, entry.iteration): entry for agent, log in logs.items() for entry in log}
    resting: dict[int, bool] = dict.fromkeys(logs, False)
    written: set[str] = set()
    steps: list[Step] = []
    for iteration in sorted(by_iteration):
        here = by_iteration[iteration]
        for agent, entry in here:
            resting[agent] = entry.is_idle
        files = [key for _, entry in here for key in entry.files]
        fresh = set(files) - written
        alike = [share for _, entry in here if (share := _likeness(entry, known)) is not None]
        steps.append(
            Step(
                iteration=iteration,
                agents=len(here),
                working=sum(entry.state == "working" and not entry.failed for _, entry in here),
                idle=sum(entry.is_idle for _, entry in here),
                failed=sum(entry.failed for _, entry in here),
                at_rest=round(sum(resting.values()) / len(resting), 4),
                new_files=len(fresh),
                rewritten=len(files) - len(fresh),
                likeness=round(statistics.fmean(alike), 4) if alike else None,
            )
        )
        written |= fresh
    return steps


def _likeness(entry: LogEntry, known: Mapping[tuple[int, int], LogEntry]) -> float | None:
    """Jaccard likeness of the entry's words to those of all entries that woke it."""
    wakers = [known[at] for waker in entry.woken_by if (at := (waker.agent, waker.iteration)) in known]
    if not wakers:
        return None
    mine, theirs = _words(entry), {word for waker in wakers for word in _words(waker)}
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


def _words(entry: LogEntry) -> set[str]:
    return set(_WORD.findall(f"{entry.action} {entry.result} {entry.next_intent}".casefold()))


def _rested_at(steps: Sequence[Step]) -> int | None:
    rested = None
    for step in reversed(steps):
        if step.at_rest < 1.0:
            break
        rested = step.iteration
    return rested


def _writers(entries: Sequence[tuple[int, LogEntry]]) -> dict[str, list[int]]:
    """Who wrote each file, in the order of time as the logs tell it."""
    found: dict[str, list[int]] = defaultdict(list)
    for agent, entry in sorted(entries, key=lambda pair: (pair[1].ts, pair[0], pair[1].iteration)):
        for key in entry.files:
            found[key].append(agent)
    return found


def _influence(entries: Sequence[tuple[int, LogEntry]]) -> tuple[tuple[Influence, ...], Counter[int]]:
    """The wake graph, strongest edge first, and how many turns of others each agent woke."""
    wakes: Counter[tuple[int, int]] = Counter()
    waits: dict[tuple[int, int], list[int]] = defaultdict(list)
    caused: Counter[int] = Counter()
    for target, entry in entries:
        sources = {waker.agent for waker in entry.woken_by} - {target}
        caused.update(sources)
        for source in sources:
            wakes[source, target] += 1
            if entry.wake_ms is not None and len(sources) == 1:  # with more it is not said whose word it was
                waits[source, target].append(entry.wake_ms)
    ranked = sorted(wakes.items(), key=lambda item: (-item[1], item[0]))[:MOST_EDGES]
    edges = tuple(
        Influence(
            source=source,
            target=target,
            wakes=count,
            median_ms=round(statistics.median(waits[source, target])) if (source, target) in waits else None,
        )
        for (source, target), count in ranked
    )
    return edges, caused


def _deepest(entries: Sequence[tuple[int, LogEntry]]) -> int:
    """Length of the longest chain of wakes. Entries are taken in the order of time, so that no chain runs in a circle."""
    depth: dict[tuple[int, int], int] = {}
    for agent, entry in sorted(entries, key=lambda pair: (pair[1].ts, pair[0], pair[1].iteration)):
        before = [depth.get((waker.agent, waker.iteration), 0) for waker in entry.woken_by]
        depth[agent, entry.iteration] = max(before) + 1 if before else 0
    return max(depth.values(), default=0)


def _repeated(entries: Sequence[tuple[int, LogEntry]]) -> tuple[Repeated, ...]:
    """Work said more than once in the same words. Idle words are left out: resting twice is no duplicate work."""
    said: dict[tuple[str, str], list[int]] = defaultdict(list)
    for agent, entry in entries:
        if entry.state == "working" and not entry.failed:
            said[entry.action.casefold(), entry.result.casefold()].append(agent)
    found = [
        Repeated(words=f"{action} → {result}", agents=tuple(sorted(set(by))), times=len(by))
        for (action, result), by in said.items()
        if len(by) > 1
    ]
    return tuple(sorted(found, key=lambda item: (-item.times, item.words))[:MOST_LISTED])


def _work(agent: int, log: Sequence[LogEntry], span: float, caused: int) -> AgentWork:
    busy = sum(_ms(entry) for entry in log)
    used = [entry.usage for entry in log if entry.usage is not None]
    return AgentWork(
        agent=agent,
        turns=len(log),
        failed=sum(entry.failed for entry in log),
        idle_entries=sum(entry.state == "idle" for entry in log),
        busy_ms=busy,
        idle_share=round(max(0.0, 1 - busy / 1000 / span), 4) if span > 0 else 0.0 if log else 1.0,
        files=len({key for entry in log for key in entry.files}),
        input_tokens=sum(usage.input_tokens for usage in used),
        output_tokens=sum(usage.output_tokens for usage in used),
        cost=round(sum(usage.cost for usage in used), 6),
        causes=dict(Counter(entry.cause for entry in log)),
        caused=caused,
        refused=sum(len(entry.refused) for entry in log),
        doubts=sum(len(entry.doubts) for entry in log),
    )
