"""``./dev mutate``: changes the rules' modules in small ways and sees whether their tests notice."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.mutation import page
from tests.mutation.results import Result, Survivor, fingerprint, load, save
from tests.mutation.runner import Outcome, TestsFail, run
from tests.mutation.targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]


def main(words: list[str] | None = None) -> int:
    """Mutate what is asked for. Exit status: 0, 1 if the tests are not good enough, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MODULE", help=f"of {', '.join(TARGETS)}; without names all")
    parser.add_argument("--survivors", action="store_true", help="only what survived the last run")
    given = parser.parse_args(words)
    if unknown := [name for name in given.names if name not in TARGETS]:
        parser.error(f"there is no module {unknown[0]!r}; there are {', '.join(TARGETS)}")
    results = load()
    for name in given.names or TARGETS:
        try:
            results[name] = _again(name, results) if given.survivors else _anew(name)
        except TestsFail as error:
            print(f"./dev mutate: {error}", file=sys.stderr)
            return 1
        save(results)
        page.TARGET.write_text(page.page(results), "utf-8")
        print(f"{results[name].path}: {results[name].score:.1%} of {results[name].mutants} noticed", flush=True)
    short = page.shortcomings({name: results[name] for name in given.names or TARGETS})
    print(*short, sep="\n", file=sys.stderr)
    return 1 if short else 0


def _anew(name: str) -> Result:
    target = TARGETS[name]
    source = fingerprint((ROOT / target.path).read_bytes())
    outcomes = [_told(target, outcome) for outcome in run(target, ROOT)]
    return _result(target, outcomes, source)


def _again(name: str, results: dict[str, Result]) -> Result:
    """The last result, with what survived then tried once more. Raises TestsFail if the module is not what it was."""
    target, last = TARGETS[name], results.get(name)
    if last is None or last.source != fingerprint((ROOT / target.path).read_bytes()):
        raise TestsFail(f"{target.path} has changed since its last run; run ./dev mutate {name}")
    survived = frozenset(last.survivors)
    outcomes = [_told(target, o) for o in run(target, ROOT, only=lambda mutant: Survivor.of(mutant) in survived)]
    rest = _result(target, outcomes, last.source)
    killed, timeouts = last.killed + rest.killed, last.timeouts + rest.timeouts
    return Result(target.path, target.tests, rest.source, rest.date, last.mutants, killed, timeouts, rest.survivors)


def _result(target: Target, outcomes: list[Outcome], source: str) -> Result:
    fates = [outcome.fate for outcome in outcomes]
    return Result(
        path=target.path,
        tests=target.tests,
        source=source,
        date=datetime.now(UTC).date().isoformat(),
        mutants=len(outcomes),
        killed=fates.count("killed"),
        timeouts=fates.count("timeout"),
        survivors=tuple(Survivor.of(outcome.mutant) for outcome in outcomes if outcome.fate == "survived"),
    )


def _told(target: Target, outcome: Outcome) -> Outcome:
    if outcome.fate != "killed":
        print(
            f"{outcome.fate}: {target.path}:{outcome.mutant.line} {outcome.mutant.after}", file=sys.stderr, flush=True
        )
    return outcome


if __name__ == "__main__":
    sys.exit(main())
