"""The EventBridge patterns, judged by an evaluator of their own: what they let through is the neighbourhood, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from murmur import keys, ring
from murmur.change import Change
from murmur.config import FlockConfig
from murmur.memory.fabric import event_of
from murmur.pattern import PATTERN_LIMIT, changes_pattern, wakes_anyone, wakes_pattern, wiring_for

BUCKET = "a-bucket"
OPERATOR = (keys.DIRECTION, keys.CONFIG, keys.CONTROL)


def lets_through(pattern: Any, event: Any) -> bool:
    """EventBridge's rules as far as these patterns go: every field named is there, and one of its alternatives matches."""
    for name, wanted in pattern.items():
        if name not in event:
            return False
        if isinstance(wanted, dict):
            if not lets_through(wanted, event[name]):
                return False
        elif not any(matches(alternative, event[name]) for alternative in wanted):
            return False
    return True


def matches(alternative: Any, value: str) -> bool:
    if isinstance(alternative, str):
        return value == alternative
    ((operator, operand),) = alternative.items()
    if operator == "prefix":
        return value.startswith(operand)
    assert operator == "anything-but", f"an operator that this evaluator does not know: {operator}"
    return value not in operand


def event(key: str, bucket: str = BUCKET, *, deleted: bool = False) -> Any:
    return json.loads(event_of(Change(key, "e", "1", 1, "2026-01-01T00:00:00Z", "id", deleted), bucket))


def wakes(config: FlockConfig, agent: int, told: Any) -> bool:
    """Whether the event goes over the default bus's static rule and then past the agent's own."""
    own = json.loads(wiring_for(BUCKET, config, agent).pattern_json())
    return lets_through(json.loads(json.dumps(wakes_pattern(BUCKET))), told) and lets_through(own, told)


def everything(n: int) -> Iterator[str]:
    """Every key that a flock's bucket may have, by kind."""
    yield from (*OPERATOR, keys.ROSTER, "output/store/agent-0.ndjson", "knowledge-base/direction.md", "web/index.html")
    for agent in range(n):
        yield from (keys.log(agent), keys.directive(agent), keys.state(agent), keys.segment(agent, 1))
        yield from (keys.history("r", keys.log(agent)), f"output/agent-{agent}.md")


@st.composite
def rings(draw: st.DrawFn) -> FlockConfig:
    n = draw(st.integers(1, 40))
    return FlockConfig(
        concurrency=n,
        neighbourRadius=draw(st.integers(1, max(1, n // 2))),
        algorithm=draw(st.sampled_from(tuple(ring.ALGORITHMS))),
    )


@given(rings(), st.data())
def test_events_wake_exactly_the_neighbourhood(config: FlockConfig, data: st.DataObject) -> None:
    n = config.concurrency
    agent = data.draw(st.integers(0, n - 1))
    near = ring.neighbours(config.algorithm, agent, n, config.neighbourRadius)
    due = {*OPERATOR, keys.directive(agent), *(keys.log(other) for other in near)}
    woken = {key for key in everything(n) if wakes(config, agent, event(key))}
    assert due <= woken
    assert keys.log(agent) not in woken
    wiring = wiring_for(BUCKET, config, agent)
    if wiring.only:
        assert woken == due
    else:  # the list does not fit, or everybody counts: the gate drops what is left
        assert woken == {key for key in everything(n) if wakes_anyone(key)} - {keys.log(agent)}
    assert len(wiring.pattern_json()) <= PATTERN_LIMIT


@given(st.integers(1, 1500), st.integers(1, 750), st.data())
def test_a_radius_of_sixteen_still_fits_an_exact_pattern(n: int, r: int, data: st.DataObject) -> None:
    agent = data.draw(st.integers(0, n - 1))
    config = FlockConfig(concurrency=n, neighbourRadius=min(r, max(1, n // 2)))
    wiring = wiring_for("x" * 63, config, agent)
    assert len(wiring.pattern_json()) <= PATTERN_LIMIT
    if config.neighbourRadius <= 16:
        assert wiring.only


@given(rings(), st.data())
def test_reading_is_mutual_in_a_ring(config: FlockConfig, data: st.DataObject) -> None:
    one = data.draw(st.integers(0, config.concurrency - 1))
    other = data.draw(st.integers(0, config.concurrency - 1))
    if config.algorithm == "amorphous":
        assert wakes(config, one, event(keys.log(other))) == wakes(config, other, event(keys.log(one)))


@given(rings(), st.sampled_from(sorted(everything(3))))
def test_only_this_buckets_objects_wake_anyone(config: FlockConfig, key: str) -> None:
    told = event(key)
    assert not wakes(config, 0, event(key, "another-bucket"))
    assert not wakes(config, 0, {**told, "source": "aws.ec2"})
    assert not wakes(config, 0, {**told, "detail-type": "Object Tags Added"})
    assert wakes(config, 0, event(key, deleted=True)) == wakes(config, 0, told)


@given(st.text(max_size=40) | st.sampled_from(sorted(everything(3))))
def test_the_quick_answer_agrees_with_the_static_rules(key: str) -> None:
    told = event(key)
    wake, change = (json.loads(json.dumps(made)) for made in (wakes_pattern(BUCKET), changes_pattern(BUCKET)))
    assert lets_through(wake, told) == wakes_anyone(key)
    assert not lets_through(wake, told) or lets_through(change, told)
