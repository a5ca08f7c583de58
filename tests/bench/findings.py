"""What a section of the benchmarks found: words and tables, as they stand on the page and travel between processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words below their headings; the first column names the row."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.headings) for row in self.rows):
            raise ValueError(f"a row does not fit the headings {self.headings}")

    def markdown(self) -> str:
        """The table, padded so that it reads well in a terminal, too."""
        lines = [[cell.replace("|", "\\|") for cell in row] for row in (self.headings, *self.rows)]
        widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(self.headings))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        shown = [_line(lines[0], widths), "| " + " | ".join(rule) + " |", *(_line(line, widths) for line in lines[1:])]
        return "\n".join(shown)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = cells
    padded = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
    return "| " + " | ".join(padded) + " |"


@dataclass(frozen=True, slots=True)
class Findings:
    """``how`` it was measured, in a sentence or two; the tables; and what they say."""

    how: str
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """As it stands below the section's heading."""
        return "\n\n".join((self.how, *(table.markdown() for table in self.tables), *self.notes))

    def to_json(self) -> str:
        """For the process that asked."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What ``to_json`` wrote. Raises ValueError, KeyError, TypeError for anything else."""
        value: dict[str, Any] = json.loads(text)
        tables = tuple(
            Table(tuple(table["headings"]), tuple(tuple(row) for row in table["rows"])) for table in value["tables"]
        )
        return cls(value["how"], tables, tuple(value["notes"]))
