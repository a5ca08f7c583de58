"""Which piece to take next, so that agents who cannot talk to each other rarely take the same one."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Sequence

from agent.brains.scripted.facts import TurnFacts


def candidates(
    pieces: Sequence[str],
    pending: Collection[str],
    avoid: Callable[[str], bool],
    facts: TurnFacts,
    seed: int,
) -> list[str]:
    """The pending pieces, best choice first.

    First the agent's own share of the ordered ``pieces`` (the part from agent/of to (agent+1)/of), in order. Then other shares, in an
    order that differs from agent to agent but stays the same from turn to turn, so that what was announced is what is taken.
    Last what ``avoid`` names (a neighbour announced it): somebody must take it if that neighbour never does.
    """
    first, last = (facts.agent * len(pieces) // facts.of, (facts.agent + 1) * len(pieces) // facts.of)
    own = {piece: place for place, piece in enumerate(pieces[first:last])}

    def rank(piece: str) -> tuple[bool, int, int, str]:
        shuffled = 0 if piece in own else zlib.crc32(f"{seed} {facts.agent} {piece}".encode("utf-8", "surrogatepass"))
        return avoid(piece), own.get(piece, len(own)), shuffled, piece

    return sorted(pending, key=rank)
