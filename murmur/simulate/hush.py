"""Silence: what goes wrong in a simulated world is meant to, and nobody is to be told of each repair."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hushed() -> Iterator[None]:
    """While inside, the agents and the lifecycle log nothing."""
    loggers = [logging.getLogger(name) for name in ("agent", "functions", "murmur")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
