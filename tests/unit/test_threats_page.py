"""docs/explanation/threats.md names files and tests; each exists, and every threat has something in its way and a test that shows it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "explanation" / "threats.md").read_text("utf-8")
THREATS = re.findall(
    r"^\| threat \| what stands in the way \| shown by \|\n\|---\|---\|---\|\n((?:\|.*\|\n)+)", PAGE, re.MULTILINE
)
ROWS = [[cell.strip() for cell in row.strip("|").split(" | ")] for table in THREATS for row in table.splitlines()]
TESTS = sorted(set(re.findall(r"`(tests/[^`]+::[^`]+)`", PAGE)))
ROOMS = ("agent/", "cdk/", "docs/", "functions/", "murmur/", "requirements/", "tests/", "web/")
FILES = sorted({word for word in re.findall(r"`([^`:\s]+)`", PAGE) if word.startswith(ROOMS)})


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("path", FILES)
def test_every_file_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("test", TESTS)
def test_every_test_it_names_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    function, _, case = name.partition("[")
    assert re.search(rf"^(async )?def {re.escape(function)}\(", text_of(path), re.MULTILINE), (
        f"{path} has no {function}"
    )
    if case:
        checks = "".join(
            text_of(f"tests/infra/checks/{file.name}") for file in (ROOT / "tests/infra/checks").glob("*.py")
        )
        assert f"def {case.removesuffix(']')}(" in checks


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_every_threat_has_something_in_its_way_and_a_test_that_shows_it(row: list[str]) -> None:
    threat, way, shown = row
    assert threat
    assert "the same" in way or any(f"`{path}`" in way for path in [*FILES, "dev"])
    assert re.fullmatch(r"`tests/[^`]+::[^`]+`(, `tests/[^`]+::[^`]+`)*", shown)


def test_it_knows_every_kind_of_adversary_and_says_what_is_not_defended() -> None:
    assert len(THREATS) >= 8
    assert len(ROWS) >= 40
    residual = PAGE.partition("## What is not defended")[2]
    assert residual.count("\n- ") >= 10
