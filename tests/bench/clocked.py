"""A clock around the real steps: methods are wrapped while a benchmark runs, and the product knows nothing of it."""

from __future__ import annotations

import inspect
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

Times = Mapping[str, list[float]]


@contextmanager
def clocked(steps: Mapping[str, tuple[Any, str]]) -> Iterator[Times]:
    """While inside, every call of a step (owner, name of the method) is timed; yields its seconds, by the step's name, in order."""
    took: dict[str, list[float]] = defaultdict(list)
    with wrapped({place: _timed(step, took) for step, place in steps.items()}):
        yield took


@contextmanager
def wrapped(how: Mapping[tuple[Any, str], Callable[[Any], Any]]) -> Iterator[None]:
    """While inside, each method stands as ``how`` makes it of the original. Raises AttributeError for one that is not there."""
    before = {
        (owner, name): owner.__dict__[name] if name in owner.__dict__ else _absent(owner, name) for owner, name in how
    }
    try:
        for (owner, name), make in how.items():
            setattr(owner, name, make(before[owner, name]))
        yield
    finally:
        for (owner, name), original in before.items():
            setattr(owner, name, original)


def _absent(owner: Any, name: str) -> Any:
    raise AttributeError(f"{owner.__name__} has no {name} of its own: the benchmark must follow the code")


def _timed(step: str, took: dict[str, list[float]]) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        if inspect.iscoroutinefunction(original):

            @wraps(original)
            async def slow(*args: Any, **kwargs: Any) -> Any:
                began = time.perf_counter()
                try:
                    return await original(*args, **kwargs)
                finally:
                    took[step].append(time.perf_counter() - began)

            return slow

        @wraps(original)
        def quick(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                took[step].append(time.perf_counter() - began)

        return quick

    return make
