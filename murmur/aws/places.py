"""Which place in the roster an instance fills: the launch's list of places, and the instance's number in that launch.

Source: EC2 User Guide, "Instance metadata categories", ``ami-launch-index``: the instances of one request are numbered from 0.
docs/decisions/0012 tells why it is done so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

TAG: Final = "Places"
RUN_TAG: Final = "Run"
AGENTS_TAG: Final = "AgentIndex"
VALUE_LIMIT: Final = 256
"""Characters of a tag's value, at most (EC2)."""
_NAME: Final = re.compile(r"host-(0|[1-9]\d{0,4})")
_RANGE: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


def number_of(name: str) -> int:
    """The number in ``host-7``. Raises ValueError."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no host of a roster")
    return int(match[1])


def ranges(numbers: Iterable[int]) -> str:
    """Numbers in short: ``0-3,7``. Ascending, each once."""
    return ",".join(_ranges(numbers))


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of a text that ``ranges`` wrote; empty if it is none."""
    found: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            return ()
        first = int(match[1])
        found += range(first, int(match[2] or first) + 1)
    return tuple(found)


def name_at(text: str, index: int) -> str:
    """The host that the ``index``-th instance of a launch of these places is; "" if there is no such place."""
    places = numbers(text)
    return f"host-{places[index]}" if 0 <= index < len(places) else ""


def batches(names: Sequence[str]) -> Iterator[list[str]]:
    """``names`` ascending, in as few parts as fit into a tag's value each."""
    part: list[str] = []
    for name in sorted(set(names), key=number_of):
        if part and len(ranges(number_of(one) for one in [*part, name])) > VALUE_LIMIT:
            yield part
            part = []
        part.append(name)
    if part:
        yield part


def _ranges(numbers: Iterable[int]) -> Iterator[str]:
    ordered = sorted(set(numbers))
    first = 0
    for at, number in enumerate(ordered):
        if at + 1 == len(ordered) or ordered[at + 1] != number + 1:
            yield str(number) if first == at else f"{ordered[first]}-{number}"
            first = at + 1
