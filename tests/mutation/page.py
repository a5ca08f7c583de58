"""Writes docs/reference/mutation.md from results.json and explained.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.mutation.explained import WHY
from tests.mutation.results import Result, Survivor, load
from tests.mutation.targets import TARGETS

TARGET: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "mutation.md"
ENOUGH: Final = 0.95
"""Less than this is too little even where every survivor is explained."""
HEAD: Final = """# Mutation tests

Six modules hold the rules everything else rests on: when an agent acts, when a flock has settled, who reads whom, what a line of a log is, how keys are spelled, and
what an agent may name. Each is changed in every small way there is (a comparison, a limit, a word, a condition, a returned value, a statement, a
default), one change at a time, and its fast tests run against each. A change that no test notices is a hole in the tests, or is no change in behaviour; then
it stands below with the reason.

```sh
./dev mutate                    # all six, 20 to 40 minutes; renews this page
./dev mutate gate ring          # some
./dev mutate --survivors        # what survived the last time once more, after tests were added
```

It fails with a survivor that `tests/mutation/explained.py` does not explain, and below 95 % even if all are explained: then the code says things twice. What is changed and what is left alone: `tests/mutation/mutants.py`.

| module | mutants | noticed | change nothing, explained below | of all | of those that change anything | when, and of which state |
|---|---|---|---|---|---|---|
"""


def page(results: Mapping[str, Result]) -> str:
    """The page as it should stand."""
    parts = [HEAD, *(_row(name, results[name]) for name in TARGETS if name in results)]
    for name in TARGETS:
        if name in results and results[name].survivors:
            parts.append(
                f"\n## {results[name].path}\n\n| line | was | became | why nobody notices |\n|---|---|---|---|\n"
            )
            parts += [_survivor(name, survivor) for survivor in results[name].survivors]
    return "".join(parts)


def shortcomings(results: Mapping[str, Result]) -> list[str]:
    """What keeps the results from being good enough, in words."""
    low = [
        f"{result.path}: {result.score:.1%} noticed, {ENOUGH:.0%} are asked for"
        for result in results.values()
        if result.score < ENOUGH
    ]
    unexplained = [
        f"{result.path}:{survivor.line}: {survivor.kind} in {survivor.where or 'the module'}: {survivor.before}  →  {survivor.after}"
        for name, result in results.items()
        for survivor in result.survivors
        if not why(name, survivor)
    ]
    return low + unexplained


def why(name: str, survivor: Survivor) -> str:
    """The explanation of a survivor; empty if there is none yet."""
    became = survivor.after or f"without {survivor.before}"
    return WHY.get(name, {}).get(f"{survivor.where}: {became}", "")


def _row(name: str, result: Result) -> str:
    noticed = result.killed + result.timeouts
    same = sum(1 for survivor in result.survivors if why(name, survivor))
    return (
        f"| `{result.path}` | {result.mutants} | {noticed} | {same} | {result.score:.1%} "
        f"| {noticed / (result.mutants - same):.1%} | {result.date}, sha256 {result.source}… |\n"
    )


def _survivor(name: str, survivor: Survivor) -> str:
    return (
        f"| {survivor.line} | {_code(survivor.before)} | {_code(survivor.after) if survivor.after else 'left out'} "
        f"| {why(name, survivor) or '**unexplained**'} |\n"
    )


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|").replace("\n", " ") + "`"


if __name__ == "__main__":
    TARGET.write_text(page(load()), "utf-8")
