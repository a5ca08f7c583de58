"""Who reads whom: the coordination algorithms, each with all that is particular to it.

Amorphous: agents stand in a ring and read the ``radius`` nearest on either side. Mesh: everyone reads everyone.
Swarm: everyone may be read, but at any moment an agent looks at the ``k`` that wrote most recently.
All functions are right for every n >= 1 and every radius >= 0: nobody ever reads itself, or a neighbour twice.
How to add an algorithm: docs/how-to/add-an-algorithm.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Algorithm = Literal["amorphous", "mesh", "swarm"]


@dataclass(frozen=True, slots=True)
class Topology:
    """What is particular to one algorithm; the rest of the house asks this, and knows none by name."""

    about: str
    """For the reference of ``algorithm`` and for the command's help: one clause."""
    told: str
    """What its agents are told of it in every prompt; ``{neighbours}`` stands for those that the agent reads."""
    neighbours: Callable[[int, int, int], tuple[int, ...]]
    """From agent, size and radius: whose writes may wake the agent, ascending."""
    hops: Callable[[int, int], int]
    """From size (2 or more) and radius (1 or more): how far news travels until everybody may know it."""
    ranked: bool = False
    """Whether an agent looks, at any moment, only at the ``swarmK`` of them that wrote last."""
    by_radius: bool = False
    """Whether ``neighbourRadius`` decides: then rules list exactly whom an agent reads, and the status names the radius."""


@lru_cache(maxsize=4096)
def ring_neighbours(agent: int, size: int, radius: int) -> tuple[int, ...]:
    """The agents within ``radius`` places of ``agent`` in a ring of ``size``, ascending, without itself."""
    _check(agent, size)
    if radius < 0:
        raise ValueError(f"radius {radius} is negative")
    reach = min(radius, size // 2)
    return tuple(sorted({(agent + step) % size for d in range(1, reach + 1) for step in (d, -d)} - {agent}))


def _everyone(agent: int, size: int, _radius: int) -> tuple[int, ...]:
    _check(agent, size)
    return tuple(other for other in range(size) if other != agent)


def _at_once(_size: int, _radius: int) -> int:
    return 1


ALGORITHMS: Final[Mapping[str, Topology]] = {
    "amorphous": Topology(
        about="a ring",
        told="""\
You stand in a ring and read {neighbours}; they read you. News travels one step a turn and reaches the far side only if it is passed on:
when you learn something the others need (a convention, a finding, that a part is finished), say it in your result or next_intent.""",
        neighbours=ring_neighbours,
        hops=lambda size, radius: -(-(size // 2) // radius),
        by_radius=True,
    ),
    "mesh": Topology(
        about="everyone reads everyone",
        told="""\
Everyone reads everyone. The same line wakes all of you at once, so the same idea will occur to many: see what the others announced,
take what nobody has, and prefer the part that is nearest to your own number when work can be split by number.""",
        neighbours=_everyone,
        hops=_at_once,
    ),
    "swarm": Topology(
        about="everyone reads the swarmK most recently active",
        told="""\
You read the agents that were active last: {neighbours}. They change as the work moves. Strengthen what goes well: join their work where
it can be split, check what they claim, or take up what they left open; start something new only where nobody is active.""",
        neighbours=_everyone,
        hops=_at_once,
        ranked=True,
    ),
}
"""Every name of ``Algorithm``, and what it means."""


def neighbours(algorithm: Algorithm, agent: int, size: int, radius: int) -> tuple[int, ...]:
    """Whose writes may wake ``agent``, ascending. Where the algorithm ranks, who counts is decided per look: ``FlockConfig.neighbours``."""
    return ALGORITHMS[algorithm].neighbours(agent, size, radius)


def most_recent(agent: int, last_write: Mapping[int, float], k: int) -> tuple[int, ...]:
    """The ``k`` others that wrote last, ascending by index. ``last_write`` maps agent to any growing time.

    Ties go to the lower index, so that two readers with the same view choose the same agents.
    """
    ranked = sorted((-when, other) for other, when in last_write.items() if other != agent)
    return tuple(sorted(other for _, other in ranked[:k]))


def hops_to_everyone(algorithm: Algorithm, size: int, radius: int) -> int:
    """How many hops one agent's news needs, at most, until everybody may know it; 0 for a flock of one."""
    if size <= 1:
        return 0
    topology = ALGORITHMS[algorithm]
    if topology.by_radius and radius < 1:
        raise ValueError("with radius 0 no news travels")
    return topology.hops(size, radius)


def named(algorithm: str, radius: int) -> str:
    """The algorithm for people: with the radius where that decides who is read."""
    topology = ALGORITHMS.get(algorithm)
    return f"{algorithm}, radius {radius}" if topology is not None and topology.by_radius else algorithm


def _check(agent: int, size: int) -> None:
    if not 0 <= agent < size:
        raise ValueError(f"agent {agent} does not stand in a ring of {size}")
