"""The arrows between the rooms: which may import which, as docs/explanation/house.md tells; and who alone knows AWS."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = "murmur"
"""The modules directly under murmur/, which everybody may import and which import nobody."""
ARROWS: dict[str, frozenset[str]] = {
    CORE: frozenset(),
    "murmur.analysis": frozenset(),
    "murmur.aws": frozenset(),
    "murmur.memory": frozenset(),
    "agent": frozenset({"murmur.aws"}),
    "functions": frozenset({"murmur.aws", "murmur.analysis"}),
    "murmur.simulate": frozenset({"agent", "functions", "murmur.memory"}),
    "murmur.local": frozenset({"agent", "functions", "murmur.aws", "murmur.memory"}),
    "cdk": frozenset({"agent", "functions", "murmur.aws"}),
    "murmur.cli": frozenset(
        {"agent", "cdk", "murmur.analysis", "murmur.aws", "murmur.local", "murmur.memory", "murmur.simulate"}
    ),
}
"""What each room imports beside itself and the core."""
AWS_LIBRARIES = ("boto3", "botocore", "aws_lambda_powertools")
KNOW_AWS = ("murmur.aws", "murmur.local", "murmur.cli", "cdk")
COMPOSED = ("agent/host.py", "agent/brains/model/bedrock.py")
"""Of the agent, only what is put together for AWS knows its adapters."""


def imports(path: Path) -> set[str]:
    """Every module that ``path`` imports, in functions and under TYPE_CHECKING too; of ``from a import b`` also a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def under(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def room_of(module: str) -> str | None:
    """The room that a module stands in; None for what is not ours."""
    return max((room for room in ARROWS if under(module, room)), key=len, default=None)


def files(room: str) -> list[Path]:
    folder = ROOT.joinpath(*room.split("."))
    return sorted(folder.glob("*.py") if room == CORE else folder.rglob("*.py"))


EVERY = [pytest.param(room, path, id=str(path.relative_to(ROOT))) for room in ARROWS for path in files(room)]


def test_every_package_of_ours_is_a_room_with_arrows() -> None:
    packages = {f"murmur.{path.parent.name}" for path in ROOT.glob("murmur/*/__init__.py")}
    packages |= {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages == set(ARROWS)


@pytest.mark.parametrize(("room", "path"), EVERY)
def test_a_room_imports_only_what_its_arrows_say(room: str, path: Path) -> None:
    found = {other: name for name in sorted(imports(path)) if (other := room_of(name)) is not None}
    beyond = found.keys() - ARROWS[room] - {room, CORE}
    assert not beyond, {other: found[other] for other in beyond}
    assert not [name for name in imports(path) if under(name, "tests")]


@pytest.mark.parametrize("room", ARROWS)
def test_no_arrow_is_listed_that_nobody_uses(room: str) -> None:
    assert {room_of(name) for path in files(room) for name in imports(path)} >= ARROWS[room]


def test_the_arrows_make_no_circle() -> None:
    left = dict(ARROWS)
    while left:
        lowest = [room for room, to in left.items() if not to & left.keys()]
        assert lowest, f"a circle among {sorted(left)}"
        for room in lowest:
            del left[room]


@pytest.mark.parametrize(("room", "path"), EVERY)
def test_aws_is_known_to_its_adapters_and_to_what_composes_them(room: str, path: Path) -> None:
    known = imports(path)
    libraries = AWS_LIBRARIES[:2] if room == "functions" else AWS_LIBRARIES  # Powertools is what its handlers stand on
    if room not in KNOW_AWS:
        assert not [name for name in known for library in libraries if under(name, library)]
    if room == "agent" and str(path.relative_to(ROOT)) not in COMPOSED:
        assert not [name for name in known if under(name, "murmur.aws")]


def test_the_check_sees_an_arrow_that_goes_upward(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "def late():\n    from functions.api import operate\n    import murmur.cli.client\n    import boto3\n"
    )
    assert {"functions.api.operate", "murmur.cli.client", "boto3"} <= imports(wrong)
    assert [
        room_of(name) for name in ("functions.api.operate", "murmur.cli.client", "murmur.gate", "boto3", "json")
    ] == [
        "functions",
        "murmur.cli",
        "murmur",
        None,
        None,
    ]
