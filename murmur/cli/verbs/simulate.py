"""``murmur simulate``: the real agent code in simulated time, a table beside the polling design and the limit."""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from murmur.cli import exits
from murmur.cli.parser import Parser, UsageError, add_json, whole
from murmur.cli.screen import console, note, print_json, say, show_table, table
from murmur.errors import InvalidConfig

if TYPE_CHECKING:
    from murmur.simulate.compare import Comparison
    from murmur.simulate.experiment import Progress

EXAMPLES = """\
  murmur simulate
  murmur simulate --agents 64 --radius 1 --think 20s --plot news.svg
  murmur simulate --agents 1000 --radius 4 --think 2m --faults default --seed 7
  murmur simulate --agents 16 --mode polling --interval 30s --json | jq '.designs[].ratio'

Nothing is started and nothing is sent: the flock lives in this process, its clock jumps. No model is called.

what --faults means            aws            default
  events lost, doubled, late   0, 0.2, 0.2 %  5, 5, 5 %     late: 30 to 240 s
  turns that fail              3 %            12 %          hang, refusal, rate limit, silence, death
  hosts that die               3 an hour      36 an hour    started again by the lifecycle; each dies at most 3 times
S3 errors, skewed clocks, two hosts for one agent and a dying lifecycle are left to `./dev test simulation`.
"""
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|min|h)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_LONGEST_SECONDS: Final = 3600.0
_MOST_CONTRIBUTIONS: Final = 10_000


def seconds(word: str) -> float:
    """``20s``, ``500ms``, ``2m``, ``1h``, or plain seconds. For argparse ``type=``."""
    found = _DURATION.fullmatch(word.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{word!r} is no length of time; write 20s, 500ms, 2m or 1h")
    value = float(found[1]) * _SECONDS[found[2] or "s"]
    if not 0 < value <= _LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(f"{word!r} is not above 0 and at most an hour")
    return value


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    flock = parser.add_argument_group("the flock")
    flock.add_argument("--agents", type=whole, default=64, metavar="N", help="how many agents, up to 1500 (64)")
    flock.add_argument("--radius", type=whole, default=1, metavar="R", help="neighbours read on either side (1)")
    flock.add_argument(
        "--think", type=seconds, default=20.0, metavar="TIME", help="length of a turn, such as 20s (20s)"
    )
    flock.add_argument("--interval", type=seconds, default=30.0, metavar="TIME", help="fallback, or polling loop (30s)")
    flock.add_argument("--contributions", type=whole, default=100, metavar="N", help="pieces of work (100)")
    how = parser.add_argument_group("how it is simulated")
    how.add_argument("--mode", choices=("event", "polling"), default="event", help="the design that is run (event)")
    how.add_argument(
        "--faults", choices=("none", "aws", "default"), default="none", help="what goes wrong, see below (none)"
    )
    how.add_argument("--seed", type=int, default=7, metavar="N", help="same seed, same result (7)")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw how the news spreads")
    shown.add_argument("--quiet", action="store_true", help="no progress, only the result")
    add_json(parser)


def execute(args: Namespace) -> int:
    """Simulate and show; what is wrong with the arguments is found before anything runs."""
    from murmur.simulate.compare import compare  # noqa: PLC0415 - the agent's rooms are loaded only for this verb
    from murmur.simulate.question import Question  # noqa: PLC0415

    question = Question(
        agents=args.agents,
        radius=args.radius,
        think_seconds=args.think,
        mode=args.mode,
        seed=args.seed,
        faults=args.faults,
        contributions=args.contributions,
        interval_seconds=args.interval,
    )
    try:
        question.config()
    except InvalidConfig as error:
        raise UsageError(error.message, "Correct --agents, --radius or --interval; nothing was simulated.") from error
    if question.contributions > _MOST_CONTRIBUTIONS:
        raise UsageError(f"{question.contributions} pieces of work are too many.", f"At most {_MOST_CONTRIBUTIONS}.")
    if args.plot:
        _check_plot(args.plot)
    with _progress(quiet=args.quiet) as progress:
        found = compare(question, progress)
    if args.plot:
        _draw(args.plot, found)
    print_json(found.value()) if args.json else _show(found)
    return exits.OK


def _show(found: Comparison) -> None:
    from murmur.simulate.table import footnotes, headings, rows  # noqa: PLC0415 - see execute

    names = headings(found)
    grid = table(*names, right=names[1:])
    for row in rows(found):
        grid.add_row(*row)
    show_table(grid)
    say("")
    for line in footnotes(found):
        say(line)


def _check_plot(path: Path) -> None:
    if path.suffix.lower() != ".svg":
        raise UsageError(f"{path} does not end in .svg.", "The picture is an SVG: name it so, such as --plot news.svg.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Make it first, or write the picture elsewhere.")


def _draw(path: Path, found: Comparison) -> None:
    from murmur.simulate.plot import plot  # noqa: PLC0415 - see execute

    try:
        path.write_text(plot(found), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.", "Choose another file.") from error
    note(f"wrote {path}")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    """A bar on standard error while it runs, where that is a terminal."""
    out = console(error=True)
    if quiet or not out.is_terminal:
        yield lambda _phase, _share: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - only drawn for people

    look = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*look, console=out, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda phase, share: bar.update(task, description=phase, completed=share)
