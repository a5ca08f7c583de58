"""Who reads whom, by example; for every size and radius: tests/property/test_core.py."""

from __future__ import annotations

from typing import get_args

import pytest

from murmur.config import FlockConfig
from murmur.ring import ALGORITHMS, Algorithm, hops_to_everyone, most_recent, named, neighbours, ring_neighbours


@pytest.mark.parametrize(
    ("agent", "size", "radius", "near"),
    [
        (0, 9, 1, (1, 8)),
        (4, 9, 2, (2, 3, 5, 6)),
        (8, 9, 2, (0, 1, 6, 7)),
        (0, 6, 3, (1, 2, 3, 4, 5)),
        (0, 6, 50, (1, 2, 3, 4, 5)),
        (1, 2, 1, (0,)),
        (0, 1, 1, ()),
        (3, 9, 0, ()),
    ],
)
def test_an_agent_reads_the_nearest_on_either_side_in_ascending_order(agent, size, radius, near) -> None:
    assert ring_neighbours(agent, size, radius) == near
    assert neighbours("amorphous", agent, size, radius) == near


def test_every_algorithm_that_may_be_chosen_is_told_of_once() -> None:
    assert tuple(ALGORITHMS) == get_args(Algorithm)
    assert {"amorphous", "mesh", "swarm"} <= set(ALGORITHMS)
    for topology in ALGORITHMS.values():
        assert topology.about
        assert topology.told.format(neighbours="agent-1")


def test_the_radius_is_named_where_it_decides_and_a_name_from_elsewhere_stays_as_it_is() -> None:
    assert named("amorphous", 2) == "amorphous, radius 2"
    assert named("mesh", 2) == "mesh"
    assert named("of a later release", 2) == "of a later release"


@pytest.mark.parametrize("algorithm", ["mesh", "swarm"])
def test_in_a_mesh_and_in_a_swarm_anybody_elses_write_may_wake(algorithm) -> None:
    assert neighbours(algorithm, 2, 5, 1) == (0, 1, 3, 4)
    assert neighbours(algorithm, 0, 1, 1) == ()


@pytest.mark.parametrize("algorithm", get_args(Algorithm))
@pytest.mark.parametrize(("agent", "size"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_who_does_not_stand_in_the_ring_is_refused_by_name(algorithm, agent, size) -> None:
    with pytest.raises(ValueError, match=f"^agent {agent} does not stand in a ring of {size}$"):
        neighbours(algorithm, agent, size, 1)


def test_a_negative_radius_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^radius -1 is negative$"):
        ring_neighbours(0, 3, -1)


@pytest.mark.parametrize(
    ("algorithm", "reads"),
    [("amorphous", (1, 3)), ("mesh", (0, 1, 3, 4)), ("swarm", (0, 4))],
)
def test_who_wrote_last_decides_in_a_swarm_and_nowhere_else(algorithm, reads) -> None:
    config = FlockConfig(algorithm=algorithm, concurrency=5, neighbourRadius=1, swarmK=2)
    written = {0: 9.0, 1: 1.0, 2: 99.0, 4: 5.0, 7: 50.0}  # a swarm of 5 has no agent 7
    assert config.neighbours(2, 5, written) == reads
    assert config.ranked is (algorithm == "swarm")


def test_a_swarm_looks_at_those_who_wrote_last_and_never_at_itself() -> None:
    written = {0: 10.0, 1: 40.0, 2: 30.0, 3: 50.0, 8: 20.0}
    assert most_recent(3, written, 2) == (1, 2)
    assert most_recent(1, written, 1) == (3,)
    assert most_recent(3, written, 3) == (1, 2, 8)
    assert most_recent(0, written, 99) == (1, 2, 3, 8)
    assert most_recent(0, written, 0) == ()


def test_who_wrote_at_the_same_time_is_chosen_by_the_lower_index_and_told_in_ascending_order() -> None:
    assert most_recent(0, {9: 1.0, 8: 1.0, 1: 1.0, 0: 1.0}, 2) == (1, 8)
    assert most_recent(0, {1: 1.0, 8: 9.0}, 2) == (1, 8)


@pytest.mark.parametrize(
    ("algorithm", "size", "radius", "hops"),
    [
        ("amorphous", 1, 1, 0),
        ("amorphous", 0, 0, 0),
        ("amorphous", 2, 1, 1),
        ("amorphous", 9, 1, 4),
        ("amorphous", 9, 3, 2),
        ("amorphous", 8, 2, 2),
        ("mesh", 9, 1, 1),
        ("swarm", 9, 0, 1),
        ("mesh", 1, 1, 0),
    ],
)
def test_how_many_hops_news_needs(algorithm, size, radius, hops) -> None:
    assert hops_to_everyone(algorithm, size, radius) == hops


def test_with_radius_0_no_news_travels_and_that_is_said() -> None:
    with pytest.raises(ValueError, match=r"^with radius 0 no news travels$"):
        hops_to_everyone("amorphous", 2, 0)
