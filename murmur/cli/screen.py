"""What every verb prints with: consoles that take no text for markup, tables that adapt to the width, JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STATE_STYLES: Final = {
    "running": "green",
    "turn": "bold green",
    "starting": "cyan",
    "pacing": "cyan",
    "settled": "bold blue",
    "idle": "blue",
    "paused": "yellow",
    "backing-off": "yellow",
    "stopping": "yellow",
    "parked": "bold yellow",
    "missing": "bold red",
    "stopped": "dim",
}
"""Colour of a flock's or an agent's state; the word itself always stands there too."""

_UNLIMITED: Final = 10_000
_PIPE_WIDTH: Final = 160
"""Columns where there is no terminal and COLUMNS does not say."""


def console(*, error: bool = False) -> Console:
    """Standard output (or error). Nothing printed through it is read as markup; NO_COLOR is respected by rich."""
    from rich.console import Console  # noqa: PLC0415 - rich is only loaded when something is drawn

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def table(*columns: str, flexible: Sequence[str] = (), right: Sequence[str] = (), expand: bool = False) -> Table:
    """A plain table. ``flexible`` columns give way where it is narrow, and end in an ellipsis; ``right`` hold numbers.

    ``expand``: take the whole width, so that a picture drawn again and again does not jump.
    """
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - see console
    from rich.table import Table  # noqa: PLC0415 - see console

    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold", expand=expand)
    for name in columns:
        wide = name in flexible
        made.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if wide else None,
            min_width=min(10, len(name)) if wide else None,
        )
    return made


def show_table(made: Table) -> None:
    """Print a table on standard output, as wide as it needs to be and no wider than there is room."""
    out = console()
    natural = out.measure(made, options=out.options.update(width=_UNLIMITED)).maximum
    made.expand = natural > out.width
    out.print(made)


def styled(state: str) -> Any:
    """A state, in its colour."""
    from rich.text import Text  # noqa: PLC0415 - see console

    return Text(state, style=STATE_STYLES.get(state, ""))


def print_json(value: Any) -> None:
    """JSON on standard output. ASCII only, so that no terminal takes part of it for a command, in any locale."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=True) + "\n")


def say(text: str) -> None:
    """A line on standard output."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A line on standard error: what a person wants to know and a script does not want to read."""
    sys.stderr.write(text + "\n")
