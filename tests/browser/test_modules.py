"""The dashboard's source as a whole: modules import downward, and neither an export nor a class of the stylesheets is left over."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
APP = WEB / "app"
SOURCES = {path.relative_to(APP).as_posix(): path.read_text("utf-8") for path in sorted(APP.rglob("*.js"))}
ENTRY = {"main.js", "early.js"}  # named by index.html
LATER = {"View": "views.js", "openRun": "app.js"}
"""Taken from modules that are loaded when they are first needed, and by which module."""

EXPORT = re.compile(r"^export (?:async )?(?:function\*?|class|const) (\w+)", re.MULTILINE)
IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)


def imports(name: str) -> dict[str, set[str]]:
    """What a module takes, by the module it takes it from."""
    found: dict[str, set[str]] = {}
    for names, source in IMPORT.findall(SOURCES[name]):
        target = (APP / name).parent.joinpath(source).resolve().relative_to(APP).as_posix()
        found.setdefault(target, set()).update(one.split(" as ")[0].strip() for one in names.split(",") if one.strip())
    return found


def test_every_export_is_imported_by_another_module() -> None:
    taken = {(source, name) for module in SOURCES for source, names in imports(module).items() for name in names}
    left_over = {
        (module, name)
        for module, text in SOURCES.items()
        for name in EXPORT.findall(text)
        if (module, name) not in taken and name not in SOURCES.get(LATER.get(name, ""), "")
    }
    assert left_over == set()


def test_every_member_of_a_class_is_used() -> None:
    code = "\n".join(COMMENT.sub("", text) for text in SOURCES.values())
    called = {"constructor", "connectedCallback", "disconnectedCallback", "if", "for", "while", "switch", "return"}
    members = set(re.findall(r"^  (?:static |async |get |set )*(\w+)(?:\(| = |;)", code, re.MULTILINE)) - called
    assert len(members) > 150
    assert {name for name in members if len(re.findall(rf"\b{name}\b", code)) == 1} == set()


def test_every_topic_that_is_told_is_followed() -> None:
    code = "\n".join(SOURCES.values())
    told = set(re.findall(r'emit\("(\w+)"', code))
    followed = set(re.findall(r'\bon\("(\w+)"', code))
    for several in re.findall(r"follow\(([^)]*)\)|of (?:/\*\*.*?\*/ \(?)?\[([^]]*)\]", code):
        followed.update(re.findall(r'"(\w+)"', "".join(several)))
    assert told - followed == set()


def test_every_module_is_used_and_none_imports_itself_by_way_of_others() -> None:
    arrows = {module: set(imports(module)) for module in SOURCES}
    list(TopologicalSorter(arrows).static_order())  # raises where they go round
    views = {f"parts/{name}.js" for name in re.findall(r'name: "(\w+)"', SOURCES["views.js"])} | {"parts/flock.js"}
    used = set().union(*arrows.values()) | ENTRY | views | {"parts/replay.js", "types.js"}
    assert set(SOURCES) - used == set()


def test_what_knows_no_page_imports_no_part_of_it() -> None:
    upward = {
        (module, source)
        for module in SOURCES
        for source in imports(module)
        if source.startswith("parts/") and not module.startswith("parts/") and module != "main.js"
    }
    assert upward == set()
    for module in (
        "store.js",
        "log.js",
        "timeline.js",
        "replay.js",
        "runlog.js",
        "causes.js",
        "diff.js",
        "geometry.js",
    ):
        code = COMMENT.sub("", SOURCES[module])
        assert not re.search(r"\b(document|window|fetch|localStorage)\b", code), f"{module} touches page or network"


def test_every_class_of_the_stylesheets_stands_in_the_page() -> None:
    page = (WEB / "index.html").read_text("utf-8") + "\n".join(SOURCES.values())
    words = set(re.findall(r"[\w-]+", page))
    built = tuple(re.findall(r"\b([a-z]+(?:-[a-z]+)*-)\$\{", page))  # such as `shape-${shape}`
    styles = {path.name: COMMENT.sub("", path.read_text("utf-8")) for path in sorted((WEB / "style").glob("*.css"))}
    unused = {
        (sheet, name)
        for sheet, text in styles.items()
        for selector in re.findall(r"([^{}]+)\{", text)
        for name in re.findall(r"\.([a-z][\w-]*)", selector)
        if name not in words and not name.startswith(built)
    }
    assert unused == set()
    everything = "\n".join([*styles.values(), page])
    tokens = set(re.findall(r"(--[\w-]+):", styles["tokens.css"]))
    painted = set(re.findall(r'"([\w-]+)"', SOURCES["parts/timelinepaint.js"]))
    unset = {token for token in tokens if everything.count(f"var({token}") == 0 and token[2:] not in painted}
    assert unset == set()
