"""Drawing a flock: the screen of ``murmur watch`` and ``murmur run``, and the plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from murmur.cli.screen import STATE_STYLES, console, styled, table
from murmur.cli.shapes import Agent, Entry, Status
from murmur.cli.text import clock_time, duration, plural

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from murmur.cli.feed import Feed

_MARKS: Final = {
    "turn": "●",
    "idle": "○",
    "waiting": "◌",
    "starting": "·",
    "pacing": "◔",
    "backing-off": "◑",
    "paused": "‖",
    "parked": "■",
    "missing": "✗",
    "stopped": "-",
}
_TOTALS_EVERY_SECONDS: Final = 15.0


class View(Protocol):
    """Where a run shows itself."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def phase(self, text: str) -> None:
        """Something begins, or is worth a line of its own."""

    def refresh(self, feed: Feed, fresh: Sequence[Entry]) -> None:
        """The picture as it is now, and the entries that are new in it."""


class PlainView:
    """Lines on standard error, each said once: for pipes and log files."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._began = time.monotonic()
        self._state = ""
        self._said_totals = time.monotonic()
        self._problem = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr.flush()

    def phase(self, text: str) -> None:
        """A line."""
        if not self._quiet:
            sys.stderr.write(f"{time.monotonic() - self._began:7.1f}s  {text}\n")
            sys.stderr.flush()

    def refresh(self, feed: Feed, fresh: Sequence[Entry]) -> None:
        """A line for each entry, each change of state, and the sums now and then."""
        for entry in fresh:
            self.phase(entry_line(entry))
        status = feed.picture.status
        if status.state != self._state:
            self._state = status.state
            self.phase(f"flock {status.state}" + (f": {status.reason}" if status.reason else ""))
        problem = feed.problem.message if feed.problem else ""
        if problem != self._problem:
            self._problem = problem
            self.phase(problem or "the flock is heard again")
        if time.monotonic() - self._said_totals >= _TOTALS_EVERY_SECONDS:
            self._said_totals = time.monotonic()
            self.phase(totals_line(status))


class LiveView:
    """The screen, drawn in place on standard error; ``full`` takes the whole terminal."""

    def __init__(self, *, full: bool = False, hint: str = "") -> None:
        from rich.live import Live  # noqa: PLC0415 - only where there is a terminal

        self._console = console(error=True)
        self._live = Live(console=self._console, screen=full, auto_refresh=False, transient=True)
        self._began = time.monotonic()
        self._full = full
        self._hint = hint

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def phase(self, text: str) -> None:
        """A line above the picture."""
        self._console.print(text, style="dim")

    def refresh(self, feed: Feed, fresh: Sequence[Entry]) -> None:  # noqa: ARG002 - the picture holds them
        """Draw anew."""
        height = self._console.size.height if self._full else min(self._console.size.height - 2, 30)
        self._live.update(draw(feed, height, time.monotonic() - self._began, self._hint), refresh=True)


def progress_view(*, quiet: bool, hint: str) -> View:
    """The view that fits where standard error goes."""
    if quiet or not sys.stderr.isatty():
        return PlainView(quiet=quiet)
    return LiveView(hint=hint)


def entry_line(entry: Entry) -> str:
    """One entry on one line."""
    files = f" [{plural(len(entry.files), 'file')}]" if entry.files else ""
    return f"agent-{entry.agent} #{entry.iteration} ({entry.why}) {entry.state}: {entry.said}{files}"


def totals_line(status: Status) -> str:
    """The sums on one line."""
    sums = status.totals
    parts = [
        plural(len(status.agents) or status.concurrency, "agent"),
        plural(sums.turns, "turn"),
        f"{sums.wakes} wakes",
        f"{sums.gated} gated",
        plural(sums.rescues, "rescue"),
        plural(status.files, "file"),
    ]
    if sums.failed_turns:
        parts.append(f"{sums.failed_turns} failed")
    if sums.tokens:
        parts.append(f"{sums.tokens:,} tokens")
    return " · ".join(parts)


def draw(feed: Feed, height: int, elapsed_seconds: float, hint: str = "") -> Group:
    """The whole picture in at most ``height`` lines."""
    from rich.console import Group  # noqa: PLC0415 - only live views draw
    from rich.text import Text  # noqa: PLC0415 - only live views draw

    status = feed.picture.status
    head = Text.assemble(
        ("murmur  ", "bold"),
        styled(status.state),
        f"  run {status.run or '-'}  {duration(elapsed_seconds)}  ",
        ("live" if feed.live else "asking every second", "green" if feed.live else "yellow"),
        ("  scripted, no model" if status.scripted else "", "magenta"),
        no_wrap=True,
        overflow="ellipsis",
    )
    lines: list[Text] = [head, Text(totals_line(status), no_wrap=True, overflow="ellipsis")]
    if status.reason:
        lines.append(Text(status.reason, style="dim", no_wrap=True, overflow="ellipsis"))
    if feed.problem:
        lines.append(Text(feed.problem.message, style="bold red", no_wrap=True, overflow="ellipsis"))
    room = height - len(lines) - 3
    rows = len(status.agents) + 2
    ring: Table | Text = _agents(status.agents) if rows <= room - 3 else _marks(status.agents)
    left = room - (rows if rows <= room - 3 else 3)
    recent = list(feed.picture.recent)[-max(1, min(left, 12)) :]
    shown = [_entry(entry) for entry in recent]
    foot = [Text(hint, style="dim", no_wrap=True, overflow="ellipsis")] if hint else []
    return Group(*lines, Text(), ring, Text(), *shown, *foot)


def _agents(agents: Iterable[Agent]) -> Table:
    grid = table(
        "agent", "reads", "status", "turns", "wakes", "gated", "inbox", "why", "last", flexible=("last",), expand=True
    )
    for agent in agents:
        last = agent.last
        grid.add_row(
            f"agent-{agent.id}",
            ring_text(agent.neighbours),
            styled(agent.status),
            str(agent.counters.turns),
            str(agent.counters.wakes),
            str(agent.counters.gated),
            str(agent.inbox) if agent.inbox else "-",
            agent.turn_cause or (last.why if last else "-"),
            agent.said,
        )
    return grid


def _marks(agents: Sequence[Agent]) -> Text:
    """Many agents: a mark each, in ring order, and how many of which."""
    from rich.text import Text  # noqa: PLC0415 - only live views draw

    counts: dict[str, int] = {}
    text = Text()
    for agent in agents:
        counts[agent.status] = counts.get(agent.status, 0) + 1
        text.append(_MARKS.get(agent.status, "?"), style=STATE_STYLES.get(agent.status, ""))
    text.append("\n")
    for name, count in sorted(counts.items()):
        text.append(f"{_MARKS.get(name, '?')} {name} {count}  ", style=STATE_STYLES.get(name, ""))
    return text


def _entry(entry: Entry) -> Text:
    from rich.text import Text  # noqa: PLC0415 - only live views draw

    return Text.assemble((clock_time(entry.ts) + " ", "dim"), entry_line(entry), no_wrap=True, overflow="ellipsis")


def ring_text(neighbours: Sequence[int], limit: int = 4) -> str:
    """Whom an agent reads: ``2 4``, or ``0 1 2 3 … (63)``."""
    if not neighbours:
        return "-"
    shown = " ".join(str(other) for other in neighbours[:limit])
    return shown if len(neighbours) <= limit else f"{shown} … ({len(neighbours)})"
