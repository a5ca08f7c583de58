"""``./dev bench``: without a name every section, into docs/benchmarks.md; with names those, printed."""

from __future__ import annotations

import argparse
import sys

from tests.bench import machine, page, supervise
from tests.bench.sections import SECTIONS


def main(words: list[str] | None = None) -> int:
    """Run what is asked for. Exit status: 0, 1 if a section failed, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Measure; without names everything, in under 15 minutes."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"sections to run: {', '.join(SECTIONS)}")
    parser.add_argument("--write", action="store_true", help="renew the named sections in docs/benchmarks.md")
    parser.add_argument("--small", action="store_true", help="quick and rough, to see that it works; is never written")
    given = parser.parse_args(words)
    if unknown := [name for name in given.names if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    if given.small and given.write:
        parser.error("--small measures too roughly to be written")
    if given.write and given.names and not page.holds(given.names):
        parser.error(f"{page.TARGET.name} has no such section to renew: run ./dev bench without a name first")
    about = machine.description()
    runs: list[supervise.Ran] = []
    for name in given.names or SECTIONS:
        print(f"{name} …", file=sys.stderr, flush=True)
        runs.append(supervise.run(name, small=given.small, first=not runs))
        print(page.shown(runs[-1], about), end="\n\n", flush=True)
    if not given.small:
        _write(runs, about, whole=not given.names, parts=given.write)
    print(f"{sum(ran.seconds for ran in runs):.0f} s in all", file=sys.stderr)
    return 1 if any(ran.findings is None for ran in runs) else 0


def _write(runs: list[supervise.Ran], about: dict[str, str], *, whole: bool, parts: bool) -> None:
    """The page anew, or those of its sections that were asked for. Raises ValueError if it has no such section."""
    if whole:
        page.TARGET.write_text(page.page(runs, about), "utf-8")
    elif parts:
        text = page.TARGET.read_text("utf-8")
        for ran in runs:
            text = page.renewed(text, ran, about)
        page.TARGET.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
