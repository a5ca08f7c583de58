"""Which S3 events wake a reader: the wiring, and the EventBridge pattern that says the same.

A pattern lists the exact keys. EventBridge limits a pattern to 2,048 characters; where the list does not fit, or everyone
reads everyone, the pattern is "anything but my own log": legal because the flock's own bus carries nothing but wakes,
and the gate drops what is not for this reader (architecture.md, decision 1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from murmur import keys, ring
from murmur.config import FlockConfig

PATTERN_LIMIT: Final = 2048
_OPERATOR_KEYS: Final = (keys.DIRECTION, keys.CONFIG, keys.CONTROL)


@dataclass(frozen=True, slots=True)
class Wiring:
    """The keys that may wake one reader: exactly ``only``, or, when that is empty, everything on the bus but ``all_but``."""

    bucket: str
    only: tuple[str, ...]
    all_but: str = ""

    def pattern(self) -> dict[str, object]:
        """The EventBridge event pattern."""
        key: list[object] = list(self.only) if self.only else [{"anything-but": [self.all_but]}]
        return {
            "source": ["aws.s3"],
            "detail-type": ["Object Created", "Object Deleted"],
            "detail": {"bucket": {"name": [self.bucket]}, "object": {"key": key}},
        }

    def pattern_json(self) -> str:
        """The pattern in its shortest spelling, which is what the limit counts."""
        return json.dumps(self.pattern(), separators=(",", ":"))

    def matches(self, key: str) -> bool:
        """Whether a write of ``key`` that reached the bus is delivered to this reader."""
        return key in self.only if self.only else key != self.all_but


def wakes_anyone(key: str) -> bool:
    """Whether the static rule forwards this key from the default bus to the flock's own."""
    return key.startswith(keys.STORE) or key in _OPERATOR_KEYS


def wiring_for(bucket: str, config: FlockConfig, agent: int) -> Wiring:
    """The reader's wiring under this configuration."""
    if ring.ALGORITHMS[config.algorithm].by_radius:
        near = ring.neighbours(config.algorithm, agent, config.concurrency, config.neighbourRadius)
        exact = Wiring(bucket, (*(keys.log(other) for other in near), *_OPERATOR_KEYS, keys.directive(agent)))
        if len(exact.pattern_json()) <= PATTERN_LIMIT:
            return exact
    return Wiring(bucket, (), keys.log(agent))


def _forward_pattern(bucket: str, prefixes: tuple[str, ...], exact: tuple[str, ...]) -> Mapping[str, object]:
    """The pattern of a static rule on the default bus: keys under ``prefixes``, and the ``exact`` ones."""
    key: list[object] = [*({"prefix": prefix} for prefix in prefixes), *exact]
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": key}},
    }


def wakes_pattern(bucket: str) -> Mapping[str, object]:
    """What is forwarded to the flock's own bus."""
    return _forward_pattern(bucket, (keys.STORE,), _OPERATOR_KEYS)


def changes_pattern(bucket: str) -> Mapping[str, object]:
    """What dashboards hear of: the wakes, what agents make and read, and their heartbeats."""
    return _forward_pattern(bucket, (keys.STORE, keys.STATE, keys.OUTPUT, keys.KNOWLEDGE), _OPERATOR_KEYS)
