"""Who reads whom.

Amorphous: agents stand in a ring and read the ``radius`` nearest on either side. Mesh: everyone reads everyone.
Swarm: everyone may be read, but at any moment an agent looks at the ``k`` that wrote most recently.
All functions are right for every n >= 1 and every radius >= 0: nobody ever reads itself, or a neighbour twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

Algorithm = Literal["amorphous", "mesh", "swarm"]


@lru_cache(maxsize=4096)
def ring_neighbours(agent: int, size: int, radius: int) -> tuple[int, ...]:
    """The agents within ``radius`` places of ``agent`` in a ring of ``size``, ascending, without itself."""
    _check(agent, size)
    if radius < 0:
        raise ValueError(f"radius {radius} is negative")
    reach = min(radius, size // 2)
    return tuple(sorted({(agent + step) % size for d in range(1, reach + 1) for step in (d, -d)} - {agent}))


def neighbours(algorithm: Algorithm, agent: int, size: int, radius: int) -> tuple[int, ...]:
    """Whose writes may wake ``agent``, ascending. For a swarm that is everybody: who counts is decided per look."""
    if algorithm == "amorphous":
        return ring_neighbours(agent, size, radius)
    _check(agent, size)
    return tuple(other for other in range(size) if other != agent)


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
    if algorithm != "amorphous":
        return 1
    if radius < 1:
        raise ValueError("with radius 0 no news travels")
    return -(-(size // 2) // radius)


def _check(agent: int, size: int) -> None:
    if size < 1 or not 0 <= agent < size:
        raise ValueError(f"agent {agent} does not stand in a ring of {size}")
