"""The comparison as rows of words. What they are printed with is the command's affair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from murmur.simulate.compare import Column, Comparison

Cell = Callable[[Column], str]
_NONE: Final = "–"
_MISHAPS: Final[dict[str, Cell]] = {
    "turns that failed": lambda c: _count(c.failed_turns),
    "hosts that died": lambda c: _count(c.crashes),
    "agents parked in the end": lambda c: _count(c.parked),
}


def headings(comparison: Comparison) -> tuple[str, ...]:
    """The table's columns."""
    designs = (column.mode if column.run else f"{column.mode} (computed)" for column in comparison.columns)
    return ("", *designs, "limit")


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The table's rows, the name first."""
    limit = comparison.limit_seconds
    limits = {"news reaches everyone": _seconds(limit), "  × the limit": "1.00", "turns made / needed": "1.00"}
    cells: dict[str, Cell] = {
        "news reaches everyone": lambda c: _seconds(c.reach_seconds),
        "  × the limit": lambda c: f"{c.reach_seconds / limit:.2f}" if limit else _NONE,
        "  turns made meanwhile": lambda c: _count(c.news_turns),
        "work done and settled": lambda c: _seconds(c.settle_seconds),
        "turns made": lambda c: _count(c.turns_made),
        "turns needed": lambda c: _count(c.turns_needed),
        "turns made / needed": lambda c: _NONE if c.ratio is None else f"{c.ratio:.2f}",
        "turns an hour at rest": lambda c: _count(round(c.turns_at_rest_per_hour)),
        "wakes gated (no turn)": lambda c: _count(c.gated),
        "rescues by the fallback": lambda c: _count(c.rescues),
        **(_MISHAPS if comparison.question.faults != "none" else {}),
        "S3 PUT": lambda c: _count(c.work.s3_writes if c.work else None),
        "S3 GET, HEAD": lambda c: _count(c.work.s3_reads if c.work else None),
        "S3 LIST": lambda c: _count(c.work.s3_lists if c.work else None),
        "EventBridge events": lambda c: _count(c.work.events if c.work else None),
        "SQS requests": lambda c: _count(c.work.sqs if c.work else None),
        "requests, $ an hour at work": lambda c: _dollars(c.work_dollars_per_hour),
        "requests, $ an hour at rest": lambda c: _dollars(c.rest_dollars_per_hour),
        "hosts, $ an hour": lambda c: _dollars(c.hosts_dollars_per_hour),
    }
    return [
        (name, *(cell(column) for column in comparison.columns), limits.get(name, _NONE))
        for name, cell in cells.items()
    ]


def footnotes(comparison: Comparison) -> list[str]:
    """What the numbers rest on."""
    q = comparison.question
    config = q.config()
    return [
        (
            f"{q.agents} agents, radius {q.radius}: {q.hops} hops. A turn thinks {q.think_seconds:g} s; an event takes "
            f"{q.delivery_seconds:.2f} s on average. Limit: hops × (think + delivery)."
        ),
        (
            f"event: coalesceMilliseconds {config.coalesceMilliseconds}, minTurnGapSeconds {config.minTurnGapSeconds:g}, fallback "
            f"every {config.loopIntervalSeconds:g} s. polling: a turn every {max(q.interval_seconds, q.think_seconds):g} s, no gate."
        ),
        (
            f"Work: {q.contributions} pieces. Needed: one turn a piece, and one for each agent to come to know that none is left. "
            "Requests are those of the work."
        ),
        (
            "Prices: AWS list, us-east-1, without model calls. S3 answers at once here; seed "
            f"{q.seed}, faults {q.faults}: the same command gives the same table."
            + ("" if all(column.run for column in comparison.columns) else " What is computed knows no faults.")
        ),
    ]


def _seconds(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.1f} s"


def _count(value: int | None) -> str:
    return _NONE if value is None else f"{value:,}"


def _dollars(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.4f}" if value < 1 else f"{value:,.2f}"
