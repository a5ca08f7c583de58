"""config.json: every rule names field, value and rule, and nothing out of range gets in."""

from __future__ import annotations

import pytest

from murmur.config import FlockConfig
from murmur.errors import InvalidConfig, InvalidInput


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("concurrency", 0),
        ("concurrency", 1501),
        ("concurrency", "8"),
        ("concurrency", 8.0),
        ("concurrency", True),
        ("concurrency", None),
        ("neighbourRadius", 0),
        ("neighbourRadius", 5),
        ("algorithm", "star"),
        ("swarmK", 0),
        ("swarmK", 65),
        ("instanceType", "t4g.2xlarge"),
        ("instanceType", "t3.medium"),
        ("instanceType", "p4d.large"),
        ("agentsPerInstance", 0),
        ("runner", "rm -rf /"),
        ("runner", ""),
        ("model", "a b"),
        ("model", "x" * 201),
        ("loopIntervalSeconds", 0.1),
        ("loopIntervalSeconds", float("inf")),
        ("loopIntervalSeconds", float("nan")),
        ("idleTimeoutSeconds", 1),
        ("coalesceMilliseconds", -1),
        ("minTurnGapSeconds", -1),
        ("turnTimeoutSeconds", 0),
        ("staggerSeconds", -0.1),
        ("maxTurnsPerAgent", 0),
        ("maxRunMinutes", 0),
        ("maxTokensPerAgent", 0),
        ("outputNews", "yes"),
        ("knowledgeWritable", 1),
        ("nonsense", 1),
    ],
)
def test_each_rule_names_field_value_and_rule(field: str, value: object) -> None:
    with pytest.raises(InvalidConfig) as caught:
        FlockConfig().merged({field: value})
    assert caught.value.field == field
    assert caught.value.message.startswith(f"{field} = ")
    assert "not allowed: " in caught.value.message
    assert caught.value.http_status == 400


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9])
def test_radius_may_be_half_the_flock_and_no_more(n: int) -> None:
    half = max(1, n // 2)
    assert FlockConfig.parse({"concurrency": n, "neighbourRadius": half}).neighbourRadius == half
    with pytest.raises(InvalidConfig, match="half the flock"):
        FlockConfig.parse({"concurrency": n, "neighbourRadius": half + 1})


@pytest.mark.parametrize("name", ["t4g.small", "c7g.xlarge", "m8gd.large", "r6gd.medium", "c7gn.large"])
def test_graviton_types_are_allowed(name: str) -> None:
    assert FlockConfig.parse({"instanceType": name}).instanceType == name


def test_every_limit_is_finite_by_default() -> None:
    config = FlockConfig()
    assert config.maxTurnsPerAgent < 10**4
    assert config.maxRunMinutes < 10**4
    assert config.maxTokensPerAgent < 10**8


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b"[" * 100_000])
def test_a_broken_document_is_an_error_with_a_remedy(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        FlockConfig.from_json(body)
    assert caught.value.remedy


def test_changes_must_be_an_object_and_leave_the_rest() -> None:
    with pytest.raises(InvalidInput):
        FlockConfig().merged([1])
    merged = FlockConfig(concurrency=12).merged({"neighbourRadius": 6})
    assert (merged.concurrency, merged.neighbourRadius) == (12, 6)


def test_only_what_changes_the_work_changes_work() -> None:
    base = FlockConfig()
    assert base.work() == base.merged({"loopIntervalSeconds": 5.0, "maxTurnsPerAgent": 7}).work()
    assert base.work() != base.merged({"neighbourRadius": 2}).work()
    assert base.work() != base.merged({"algorithm": "mesh"}).work()
