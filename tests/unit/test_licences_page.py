"""docs/reference/licences.md names what the locks name, and every licence that asks for more than a notice is remarked upon."""

from __future__ import annotations

import pytest

from tests.docs.licences_page import REMARKS, TARGET, npm_packages, permissive, python_packages, rows

PAGE = TARGET.read_text("utf-8")


def test_the_page_names_exactly_what_the_locks_name() -> None:
    assert set(rows(PAGE)) == {*python_packages(), *npm_packages()}, "run: ./dev docs"


def test_every_package_has_a_licence_and_npms_are_those_of_its_lock() -> None:
    told = rows(PAGE)
    assert all(told.values())
    assert {package: told[package] for package in npm_packages()} == npm_packages()


def test_a_licence_that_asks_for_more_than_a_notice_is_remarked_upon_and_no_other() -> None:
    demanding = {package.name for package, licence in rows(PAGE).items() if not permissive(licence)}
    remarked = {line[2:].split(" ")[0] for line in PAGE.splitlines() if line.startswith("- ")}
    assert demanding == remarked == set(REMARKS)


@pytest.mark.parametrize(
    ("expression", "free"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("(MIT AND PSF-2.0)", True),
        ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0", False),
        ("", False),
    ],
)
def test_of_alternatives_one_is_enough_and_of_parts_all_are_needed(expression: str, free: bool) -> None:
    assert permissive(expression) is free
