"""What the next engineer is told is true: the house's page, the decisions, ./dev's list, and the code that the how-to pages show."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from agent.runner.profile import RunnerProfile
from functions.api.resolver import Resolver, validate
from murmur import keys, ring
from tests.unit.api_twins import entry, flock
from tests.unit.test_imports import imports

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "explanation" / "house.md").read_text("utf-8")
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
_PATH = re.compile(r"`([\w.-]+(?:/[\w.-]*)+)`")
NAMED = sorted(set(_PATH.findall(PAGE)))
SOURCE = {".py", ".js", ".css", ".service"}
IGNORED = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split() if line.endswith("/")} | {
    ".git"
}
CORE = "core"


def folders() -> list[str]:
    """Every folder of the repository that holds source, and all that stand at its top."""
    found: set[str] = set()
    for where, inner, files in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in IGNORED]
        place = Path(where).relative_to(ROOT)
        if len(place.parts) == 1 or any(Path(f).suffix in SOURCE and f != "__init__.py" for f in files if place.parts):
            found.add(f"{place}/")
    return sorted(found)


def drawn() -> list[list[str]]:
    """The line of arrows: groups of rooms, each of which may import what stands to its right."""
    (line,) = (line for line in PAGE.splitlines() if line.startswith(" cli ─▶"))
    return [[room.strip() for room in group.split(",")] for group in line.split("─▶")]


def room_of(module: str) -> str:
    """The room of a module of ours, as the line of arrows names it; "" for anything else."""
    top, _, rest = module.partition(".")
    inner = rest.partition(".")[0]
    if top != "murmur":
        return top if (ROOT / top / "__init__.py").exists() else ""
    return inner if (ROOT / "murmur" / inner / "__init__.py").exists() and inner else CORE


def test_the_page_names_enough_to_be_worth_checking() -> None:
    assert len(NAMED) > 40
    assert {room for group in drawn() for room in group} >= {"cli", "agent", "functions", "aws", CORE}


@pytest.mark.parametrize("name", NAMED)
def test_what_the_page_names_is_there(name: str) -> None:
    path = ROOT / name
    assert path.is_dir() if name.endswith("/") else path.is_file(), f"house.md names {name}"


@pytest.mark.parametrize("folder", folders())
def test_every_room_has_its_place_on_the_page(folder: str) -> None:
    assert any(name == folder for name in NAMED), f"say in docs/explanation/house.md what lives in {folder}, and why"


@pytest.mark.parametrize("group", range(len(drawn())), ids=lambda index: "+".join(drawn()[index]))
def test_imports_go_only_to_the_right(group: int) -> None:
    rooms = drawn()
    right = {room for later in rooms[group + 1 :] for room in later}
    for room in rooms[group]:
        home = ROOT / "murmur" if room == CORE else ROOT / room if (ROOT / room).is_dir() else ROOT / "murmur" / room
        files = sorted(home.glob("*.py") if room == CORE else home.rglob("*.py"))
        assert files, f"there is no room {room}"
        for file in files:
            beyond = {room_of(module) for module in imports(file)} - right - {room, ""}
            assert not beyond, f"{file.relative_to(ROOT)} of {room} imports from {', '.join(sorted(beyond))}"


def test_every_decision_has_its_line_in_the_index_and_a_number_of_its_own() -> None:
    index = (DOCS / "decisions" / "README.md").read_text("utf-8")
    assert len(DECISIONS) > 20
    for page in DECISIONS:
        assert index.count(f"[{page.name[:4]}]({page.name})") == 1, f"docs/decisions/README.md lacks {page.name}"


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_what_a_decision_names_is_there(page: Path) -> None:
    for name in _PATH.findall(page.read_text("utf-8")):
        if (ROOT / name.partition("/")[0]).is_dir():
            assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_dev_lists_each_of_its_commands_and_every_tier() -> None:
    script = (ROOT / "dev").read_text("utf-8")
    listed = script.partition("<<'TEXT'\n")[2].partition("\nTEXT\n")[0]
    commands = set(re.findall(r"^([a-z]+)\)$", script, re.MULTILINE))
    assert commands == set(re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE))
    (tiers,) = re.findall(r"some: ([a-z0-9 ]+),", listed)
    there = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(tiers.split()) == there - IGNORED


def shown(page: str) -> str:
    """The first Python that a how-to page shows."""
    found = re.search(r"```python\n(.*?)```", (DOCS / "how-to" / page).read_text("utf-8"), re.DOTALL)
    assert found, f"{page} shows no Python"
    return found[1]


def module_of(page: str, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The page's Python as the module it would be."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(shown(page), page, "exec"), module.__dict__)
    return module.__dict__


def test_the_algorithm_of_the_page_is_one() -> None:
    words = (DOCS / "how-to" / "add-an-algorithm.md").read_text("utf-8")
    rule, entry_, *_ = re.findall(r"```python\n(.*?)```", words, re.DOTALL)
    names: dict[str, Any] = dict(vars(ring))
    exec(rule, names)
    line = eval(f"{{{entry_}}}", names)["line"]
    assert isinstance(line, ring.Topology)
    assert [line.neighbours(agent, 4, 1) for agent in range(4)] == [(1,), (0, 2), (1, 3), (2,)]
    assert (line.hops(4, 1), line.hops(5, 2), line.hops(2, 1)) == (3, 2, 1)
    assert "agent-1" in line.told.format(neighbours="agent-1")


def test_the_runner_of_the_page_is_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    parrot = module_of("add-a-runner.md", "agent.runner.kinds.parrot", monkeypatch)["PARROT"]
    assert isinstance(parrot, RunnerProfile)
    assert parrot.argv("grey-1") == ("parrot", "--acp", "--model", "grey-1")
    assert parrot.key_found({"PARROT_API_KEY": "k"}) == "PARROT_API_KEY"


async def test_the_route_of_the_page_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    world = flock()
    line = entry(0).to_line()
    await world.store.put(keys.segment(1, 1), line)
    await world.log(1, entry(1))
    await world.log(2, entry(0))
    app = Resolver()
    app.use([cast("Any", validate)])
    app.include_router(module_of("add-a-route.md", "functions.api.sizes", monkeypatch)["router"])
    asked = {"httpMethod": "GET", "path": "/cluster/agents/1/size", "headers": {}, "requestContext": {"stage": ""}}
    answer = await app.serve(asked, world.services)
    assert (answer["statusCode"], answer["body"]) == (200, f'{{"agent":1,"objects":2,"bytes":{2 * len(line)}}}')
