"""The arrows between the rooms: imports go downward only, and the pure core knows no AWS library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = ("config", "ring", "entry", "keys", "gate", "quiet", "cursor", "pattern", "change", "control", "state", "roster")
UPPER = ("murmur.local", "murmur.cli", "murmur.simulate", "agent", "functions")


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(name: str) -> list[Path]:
    return sorted((ROOT / name).rglob("*.py"))


def reaches(path: Path, *rooms: str) -> list[str]:
    return sorted(i for i in imports(path) if any(i == r or i.startswith(f"{r}.") for r in rooms))


def core() -> list[Path]:
    upper = {ROOT / "murmur" / name for name in ("local", "cli", "simulate")}
    return [p for p in room("murmur") if not any(u in p.parents for u in upper)]


@pytest.mark.parametrize("path", core(), ids=lambda p: str(p.relative_to(ROOT)))
def test_core_imports_nothing_from_the_rooms_above_it(path: Path) -> None:
    assert reaches(path, *UPPER) == []


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_import_no_aws_library(name: str) -> None:
    assert reaches(ROOT / "murmur" / f"{name}.py", "boto3", "botocore", "murmur.aws", "aws_lambda_powertools") == []


@pytest.mark.parametrize("path", room("agent"), ids=lambda p: str(p.relative_to(ROOT)))
def test_agent_imports_neither_functions_nor_what_lies_above(path: Path) -> None:
    assert reaches(path, "functions", "murmur.local", "murmur.cli", "murmur.simulate") == []


@pytest.mark.parametrize("path", room("functions"), ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_import_neither_agent_nor_what_lies_above(path: Path) -> None:
    assert reaches(path, "agent", "murmur.local", "murmur.cli", "murmur.simulate") == []


@pytest.mark.parametrize("path", room("murmur/local"), ids=lambda p: str(p.relative_to(ROOT)))
def test_local_does_not_import_the_command(path: Path) -> None:
    assert reaches(path, "murmur.cli") == []


@pytest.mark.parametrize("path", [*core(), *room("agent"), *room("functions")], ids=lambda p: str(p.relative_to(ROOT)))
def test_boto3_is_known_to_its_adapters_only(path: Path) -> None:
    if ROOT / "murmur" / "aws" not in path.parents:
        assert reaches(path, "boto3", "botocore") == []
