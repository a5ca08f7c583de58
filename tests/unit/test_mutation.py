"""The mutation runner: a change that a test notices is told from one that none does, and the working tree stays as it is."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.explained import WHY
from tests.mutation.mutants import mutants_of
from tests.mutation.page import TARGET, page, shortcomings
from tests.mutation.results import Result, Survivor, load
from tests.mutation.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''"""Words."""
from functools import lru_cache

LIMIT: int = 3


@lru_cache(maxsize=8)
def small(n: int | None, least: int = 0) -> bool:
    """More words."""
    if n is None or not least:
        return False
    return least <= n < LIMIT


def both(things):
    total = 0
    for thing in things:
        if thing.skip():
            continue
        total += sorted(x for x in thing if x)[-1]
    return -total, len(things, key="k")
'''


def changes(source: str) -> set[tuple[str, str]]:
    return {(mutant.kind, mutant.after) for mutant in mutants_of(source)}


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("constant", "LIMIT: int = 4"),
        ("constant", "LIMIT: int = 2"),
        ("constant", "def small(n: int | None, least: int=1) -> bool:"),
        ("and/or", "if n is None and (not least):"),
        ("operand left out", "if not least:"),
        ("operand left out", "if n is None:"),
        ("comparison", "if n is not None or not least:"),
        ("sign or not left out", "if n is None or least:"),
        ("constant", "return True"),
        ("nothing returned", "return None"),
        ("comparison", "return least < n < LIMIT"),
        ("comparison", "return least <= n >= LIMIT"),
        ("condition negated", "if not thing.skip():"),
        ("call left out", "if thing:"),
        ("continue", "break"),
        ("statement left out", ""),
        ("other function", "total += list((x for x in thing if x))[-1]"),
        ("arithmetic", "total -= sorted((x for x in thing if x))[-1]"),
        ("filter left out", "total += sorted((x for x in thing))[-1]"),
        ("sign or not left out", "return (total, len(things, key='k'))"),
        ("argument left out", "return (-total, len(things))"),
    ],
)
def test_a_module_is_changed_in_every_small_way(kind: str, after: str) -> None:
    assert any(kind == found and after in became for found, became in changes(SOURCE))


def test_words_decorators_and_types_are_left_alone_and_nothing_is_changed_twice() -> None:
    found = list(mutants_of(SOURCE))
    assert all("Words" in ast.unparse(mutant.tree) and "More words" in ast.unparse(mutant.tree) for mutant in found)
    assert all("lru_cache(maxsize=8)" in ast.unparse(mutant.tree) for mutant in found)
    assert all("n: int | None" in ast.unparse(mutant.tree) for mutant in found)
    trees = [ast.unparse(mutant.tree) for mutant in found]
    assert len(set(trees)) == len(trees)
    assert ast.unparse(ast.parse(SOURCE)) not in trees


def test_what_pydantic_evaluates_in_a_type_is_changed() -> None:
    assert ("constant", "n: Annotated[int, Field(ge=1)]") in changes("class A:\n    n: Annotated[int, Field(ge=0)]\n")


TRIAL = """
import json
from pathlib import Path
from tests.mutation.runner import TestsFail, run
from tests.mutation.targets import Target

def fates(name, *only):
    target = Target(name, (f"test_{name}.py",))
    try:
        outcomes = list(run(target, Path(".").resolve(), only=lambda m: m.after in only or not only, limit_seconds=2))
    except TestsFail as error:
        return str(error)
    return {outcome.mutant.after: outcome.fate for outcome in outcomes}

more = [f"return n + 1 if {test} else 5" for test in ("n <= 5", "n < 6", "n < 4")]
print(json.dumps([fates("more", "return n - 1 if n < 5 else 5", *more), fates("none", "n += 1", "n -= 2"), fates("wrong"), fates("elsewhere")]))
"""
MORE = "def more(n):\n    return n + 1 if n < 5 else 5\n"
NONE = "def none(n):\n    while n > 0:\n        n -= 1\n    return n\n"


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """Four small modules with tests of their own, in one process: what became of their mutants."""
    folder = Path(tmp_path_factory.mktemp("trial"))
    for name, source, test in (
        ("more", MORE, "from more import more\ndef test_it():\n    assert (more(1), more(7)) == (2, 5)\n"),
        ("none", NONE, "from none import none\ndef test_it():\n    assert none(3) == 0\n"),
        ("wrong", MORE, "from wrong import more\ndef test_it():\n    assert more(1) == 3\n"),
        ("elsewhere", MORE, "def test_it():\n    assert True\n"),
    ):
        (folder / f"{name}.py").write_text(source)
        (folder / f"test_{name}.py").write_text(f"import sys\nsys.path.insert(0, {str(folder)!r})\n{test}")
    (folder / "pytest.ini").write_text("[pytest]\n")
    command, environment = [sys.executable, "-c", TRIAL], {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=170, env=environment)
    return folder, json.loads(done.stdout)


def test_a_change_is_killed_by_a_test_that_notices_and_survives_one_that_does_not(
    trial: tuple[Path, list[Any]],
) -> None:
    folder, (fates, *_) = trial
    survived = [f"return n + 1 if {test} else 5" for test in ("n <= 5", "n < 6", "n < 4")]
    assert {after for after, fate in fates.items() if fate == "survived"} == set(survived)
    assert fates["return n - 1 if n < 5 else 5"] == "killed"
    assert (folder / "more.py").read_text() == MORE


def test_a_change_that_makes_a_loop_endless_is_ended_and_told_apart(trial: tuple[Path, list[Any]]) -> None:
    assert trial[1][1] == {"n += 1": "timeout", "n -= 2": "killed"}


def test_tests_that_fail_by_themselves_or_never_touch_the_module_are_of_no_use(trial: tuple[Path, list[Any]]) -> None:
    assert "with wrong.py as it is: pytest ended with 1" in trial[1][2]
    assert "with elsewhere.py as it is: pytest ended with 77" in trial[1][3]


def test_the_results_that_are_kept_are_good_enough_and_the_page_tells_them() -> None:
    results = load()
    assert set(results) == set(TARGETS)
    assert shortcomings(results) == []
    assert TARGET.read_text("utf-8") == page(results), "run: .venv/bin/python -m tests.mutation.page"


def test_a_survivor_without_an_explanation_and_a_low_score_are_told() -> None:
    survivor = Survivor("constant", 3, "f", "return 1", "return 2")
    result = Result("x.py", (), "", "", mutants=10, killed=8, timeouts=0, survivors=(survivor, survivor))
    assert [words.partition(": ")[0] for words in shortcomings({"x": result})] == ["x.py", "x.py:3", "x.py:3"]


def test_nothing_is_explained_that_did_not_survive() -> None:
    survived = {
        name: {f"{one.where}: {one.after or f'without {one.before}'}" for one in result.survivors}
        for name, result in load().items()
    }
    assert {name: set(why) for name, why in WHY.items()} == {name: found for name, found in survived.items() if found}
