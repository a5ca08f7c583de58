"""The gate and the settle rule against their words in docs/explanation/wake.md, spelled a second time and brute."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from murmur import gate, quiet
from murmur.entry import LogEntry
from murmur.quiet import AgentFacts

AGENTS = 6


@st.composite
def logs(draw: st.DrawFn, least: int = 0) -> tuple[LogEntry, ...]:
    """The newest entries of a log, rising."""
    first = draw(st.integers(0, 5))
    made = draw(
        st.lists(
            st.tuples(st.sampled_from(("working", "idle")), st.booleans(), st.sampled_from(((), ("output/a.md",)))),
            min_size=least,
            max_size=4,
        )
    )
    return tuple(
        LogEntry(
            ts="t",
            iteration=first + place,
            action="a",
            result="",
            next_intent="",
            state=state,
            failed=failed,
            files=files,
        )
        for place, (state, failed, files) in enumerate(made)
    )


FLAGS = (
    "first_turn",
    "unfinished",
    "resumed",
    "direction_changed",
    "directive_changed",
    "config_changed",
    "interval_passed",
    "own_idle",
    "output_changed",
    "found_by_looking",
)
situations = st.builds(
    gate.Situation,
    entries=st.dictionaries(st.integers(0, AGENTS - 1), logs(), max_size=4),
    **dict.fromkeys(FLAGS, st.booleans()),
)


def tells(entry: LogEntry) -> bool:
    """Not idle and not failed, or one that leaves files."""
    return (entry.state != "idle" and not entry.failed) or len(entry.files) > 0


@given(situations)
def test_a_turn_is_due_if_and_only_if_a_condition_of_wake_md_holds(s: gate.Situation) -> None:
    told = any(tells(entry) for entries in s.entries.values() for entry in entries)
    operator = s.direction_changed or s.directive_changed or s.config_changed
    begun_anew = s.first_turn or s.resumed or s.unfinished
    own_work = s.interval_passed and not s.own_idle
    environment = s.interval_passed and s.own_idle and s.output_changed
    assert gate.judge(s).due == (told or operator or begun_anew or own_work or environment)


@given(situations)
def test_who_woke_an_agent_are_entries_it_had_not_seen_and_that_tell_something(s: gate.Situation) -> None:
    verdict = gate.judge(s)
    woken = {(waker.agent, waker.iteration) for waker in verdict.woken_by}
    assert woken <= {(agent, e.iteration) for agent, entries in s.entries.items() for e in entries if tells(e)}
    assert len(woken) == len(verdict.woken_by) <= gate.MAX_WAKERS
    if verdict.due and verdict.cause == "neighbour":
        assert woken


@given(situations, st.sampled_from(FLAGS[:6]))
def test_a_further_reason_never_closes_the_gate(s: gate.Situation, flag: str) -> None:
    if gate.judge(s).due:
        assert gate.judge(replace(s, **{flag: True})).due


@given(situations)
def test_idle_and_failed_neighbours_never_cost_a_turn(s: gate.Situation) -> None:
    silent = {agent: tuple(e for e in entries if not tells(e)) for agent, entries in s.entries.items()}
    with_them, without = replace(s, entries=silent), replace(s, entries={})
    assert gate.judge(with_them) == gate.judge(without)


versions = st.sampled_from(("", "1", "2"))
documents = st.dictionaries(st.sampled_from(("direction", "directive", "config", "output")), versions)


@st.composite
def flocks(draw: st.DrawFn) -> list[AgentFacts]:
    size = draw(st.integers(1, AGENTS))
    return [
        AgentFacts(
            agent=agent,
            last=(draw(logs()) or (None,))[-1],
            newest_news=draw(st.integers(-1, 2)),
            seen=draw(st.dictionaries(st.integers(0, size - 1), st.integers(-1, 2))),
            seen_documents=draw(documents),
            in_turn=draw(st.booleans()) and draw(st.booleans()),
            parked=draw(st.sampled_from(("", "", "budget"))),
            waiting_messages=draw(st.sampled_from((0, 0, 1))),
        )
        for agent in range(size)
    ]


def at_rest(size: int) -> list[AgentFacts]:
    """A flock that has settled."""
    idle = LogEntry(ts="t", iteration=0, action="", result="", next_intent="", state="idle")
    return [AgentFacts(agent, idle, -1, {}, {"direction": "1"}) for agent in range(size)]


def owed(facts: AgentFacts, flock: list[AgentFacts], near: list[int], current: dict[str, str]) -> bool:
    """I6, word by word."""
    if facts.in_turn:
        return True
    if facts.parked:
        return False
    idle = facts.last is not None and facts.last.state == "idle" and not facts.last.failed
    behind = any(flock[other].newest_news > facts.seen.get(other, -1) for other in near)
    unread = any(facts.seen_documents.get(name, "") != version for name, version in current.items())
    return not idle or facts.waiting_messages > 0 or behind or unread


@given(flocks(), st.data())
def test_settled_is_what_i6_says_and_nothing_else(flock: list[AgentFacts], data: st.DataObject) -> None:
    near = {f.agent: data.draw(st.lists(st.sampled_from(range(len(flock))), unique=True)) for f in flock}
    current = {f.agent: data.draw(documents) for f in flock}
    verdict = quiet.judge(flock, near, current)
    assert verdict.settled == (not any(owed(f, flock, near[f.agent], current[f.agent]) for f in flock))
    if verdict.settled:
        assert verdict.parked == {f.agent: f.parked for f in flock if f.parked}
    else:
        assert verdict.waiting_for.startswith("agent-")
    assert verdict.reason


@given(st.integers(1, AGENTS), st.data())
def test_one_agent_that_is_owed_something_keeps_the_whole_flock_from_settling(n: int, data: st.DataObject) -> None:
    flock = at_rest(n)
    near = {agent: [other for other in range(n) if other != agent] for agent in range(n)}
    current = {agent: {"direction": "1"} for agent in range(n)}
    assert quiet.judge(flock, near, current).settled
    one = data.draw(st.integers(0, n - 1))
    changes: list[dict[str, object]] = [{"in_turn": True}, {"waiting_messages": 1}, {"last": None}]
    changes += [{"seen_documents": {}}, {"newest_news": 3}] if n > 1 else [{"seen_documents": {}}]
    flock[one] = replace(flock[one], **data.draw(st.sampled_from(changes)))
    assert not quiet.judge(flock, near, current).settled
