"""Paths as a hostile model would spell them: whatever it says, the tools touch only what it may touch."""

from __future__ import annotations

import asyncio
import json
import posixpath
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.tools.catalogue import SPECS
from agent.tools.desk import Desk
from agent.tools.paths import NAME_LIMIT_BYTES, PATH_LIMIT_BYTES
from murmur import keys
from murmur.aws.adapters import open_adapters
from murmur.errors import MurmurError
from murmur.memory.store import MemoryStore
from murmur.ports import Listing, Store, StoredObject

AGENT, NEIGHBOURS = 3, frozenset({2, 4})
SECRET = b"not for agent-3"
FORBIDDEN = (
    keys.CONTROL,
    keys.ROSTER,
    keys.log(5),
    keys.log(1),
    keys.log(33),
    keys.directive(4),
    keys.state(3),
    keys.segment(3, 1),
    keys.history("20260101T000000Z", keys.log(3)),
    keys.history("20260101T000000Z", "output/a.md"),
    "web/index.html",
    "other/secret.txt",
    "secret.txt",
)
OPEN = (
    keys.CONFIG,
    keys.DIRECTION,
    keys.log(2),
    keys.log(3),
    keys.log(4),
    keys.directive(3),
    "output/a.md",
    "output/b/c.md",
    "knowledge-base/k.md",
)

pieces = st.one_of(
    st.sampled_from(
        [
            *FORBIDDEN,
            *OPEN,
            "output",
            "knowledge-base",
            "store",
            "..",
            ".",
            "",
            "...",
            "a.md",
            "~",
            "C:",
            "*",
            "%00",
            "con",
        ]
    ),
    st.sampled_from(
        [
            "%2e%2e",
            "..%2f",
            "%252e%252e",
            "．．",
            "․․",
            "‥",
            "..;",
            ".. ",
            " ..",
            "..\x00",
            "\x00",
            "\n",
            "\u202e",
            "\ufeff",
        ]
    ),
    st.sampled_from(
        ["é", "é", "ü" * 130, "x" * 300, "\ud800", "\U0001f426", "agent-３.ndjson", "agent-5.ndjson\x00.md"]
    ),
    st.text(st.characters(codec=None), max_size=6),
)
separators = st.sampled_from(["/", "/", "/", "//", "\\", "%2f", "∕", "/./", "/../"])
starts = st.sampled_from(
    ["", "", "", "/", "./", "../", "//", "\\", "file:///", "s3://flock/", "output/", "output/../", "knowledge-base/"]
)


@st.composite
def spelled(draw: st.DrawFn) -> str:
    parts = draw(st.lists(pieces, min_size=1, max_size=5))
    path = draw(starts) + parts[0]
    for part in parts[1:]:
        path += draw(separators) + part
    return path


paths = st.one_of(
    spelled(),
    st.text(st.characters(codec=None), max_size=40),
    st.builds(lambda n, c: "output/" + c * n, st.integers(1, 2000), st.sampled_from("aü/.")),
)


class SpyStore(MemoryStore):
    """Remembers which keys were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()
        self.listed: set[str] = set()

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        self.read.add(key)
        return await super().get(key, start=start, length=length)

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> Listing:
        self.listed.add(prefix)
        return await super().list(prefix, after=after, limit=limit)


async def bucket() -> SpyStore:
    store = SpyStore()
    for key in FORBIDDEN:
        await store.put(key, SECRET)
    for key in OPEN:
        await store.put(key, b"open")
    store.put_keys.clear()
    return store


def plain(key: str, folder: str) -> bool:
    """Whether the key stays below the folder however it is read: as a key, as a path, by a case-blind eye."""
    rest = key[len(folder) :]
    return (
        key.startswith(folder)
        and rest != ""
        and posixpath.normpath(key) == key
        and "\\" not in key
        and all(character.isprintable() or ord(character) > 0x9F for character in key)
        and len(key.encode()) <= PATH_LIMIT_BYTES
        and all(0 < len(part.encode()) <= NAME_LIMIT_BYTES for part in key.split("/"))
        and (Path("/results") / key).resolve().is_relative_to(Path("/results") / folder)
    )


def may_read(key: str) -> bool:
    exact = {keys.CONFIG, keys.DIRECTION, keys.directive(AGENT), keys.log(AGENT), *(keys.log(n) for n in NEIGHBOURS)}
    return key in exact or plain(key, keys.OUTPUT) or plain(key, keys.KNOWLEDGE)


async def call(desk: Desk, tool: str, arguments: dict[str, Any]) -> str | None:
    """What the tool answered; None if it refused in words fit to be read by a model."""
    try:
        return await SPECS[tool].call(desk, arguments)
    except MurmurError as error:
        said = f"{error.message} {error.remedy}"
        said.encode()
        assert 10 < len(said) < 3000
        return None


@given(paths)
@example("output/../control.json")
@example("store/agent-5.ndjson")
@example("/../../etc/passwd")
def test_reading_touches_only_what_may_be_read(path: str) -> None:
    async def attempt() -> None:
        store = await bucket()
        answer = await call(Desk(store, AGENT, NEIGHBOURS, 0), "fs_read", {"path": path})
        assert all(may_read(key) for key in store.read)
        assert answer is None or SECRET.decode() not in answer
        assert store.put_keys == []

    asyncio.run(attempt())


@given(paths, st.sampled_from(["write", "create", "append"]), st.booleans(), st.booleans())
@example("knowledge-base/../output/x", "write", True, False)
def test_writing_touches_only_output_and_knowledge_where_allowed(
    path: str, mode: str, knowledge: bool, read_first: bool
) -> None:
    async def attempt() -> None:
        store = await bucket()
        desk = Desk(store, AGENT, NEIGHBOURS, 0, knowledge)
        if read_first:
            await call(desk, "fs_read", {"path": path})
        await call(desk, "fs_write", {"path": path, "content": "mine", "mode": mode})
        for key in store.put_keys:
            assert plain(key, keys.OUTPUT) or (knowledge and plain(key, keys.KNOWLEDGE))
        for key in FORBIDDEN:
            assert (await store.get(key)).body == SECRET
        assert desk.files == store.put_keys

    asyncio.run(attempt())


@given(paths | st.sampled_from(["", "output/", "store/"]), paths, st.integers(-5, 10**20))
@example("", "\ud800", 1)
def test_listing_shows_only_what_may_be_read(prefix: str, after: str, limit: int) -> None:
    async def attempt() -> None:
        store = await bucket()
        answer = await call(
            Desk(store, AGENT, NEIGHBOURS, 0), "fs_list", {"prefix": prefix, "after": after, "limit": limit}
        )
        shown = [file["path"] for file in json.loads(answer)["files"]] if answer else []
        assert all(may_read(path) for path in shown)
        assert shown == sorted(shown, key=str.encode)
        assert all(
            prefix.startswith((keys.OUTPUT, keys.KNOWLEDGE, keys.STORE, keys.CONFIG, keys.DIRECTION))
            for prefix in store.listed
        )

    asyncio.run(attempt())


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = sorted({name for spec in SPECS.values() for name in spec.arguments.model_fields} | {"extra"})


@given(st.sampled_from(sorted(SPECS)), st.dictionaries(st.sampled_from(names), values | paths, max_size=5))
def test_whatever_the_arguments_are_a_tool_answers_or_says_what_is_wrong(tool: str, arguments: dict[str, Any]) -> None:
    async def attempt() -> None:
        store = await bucket()
        desk = Desk(store, AGENT, NEIGHBOURS, 0)
        answer = await call(desk, tool, arguments)
        assert answer is None or SECRET.decode() not in answer
        assert all(plain(key, keys.OUTPUT) for key in store.put_keys)
        if desk.said is not None:
            assert all(len(words) <= 200 and words.isprintable() for words in (desk.said.action, desk.said.result))

    asyncio.run(attempt())


FAR = 10**30
EXTREMES: list[tuple[str, dict[str, Any]]] = [
    ("fs_read", {"path": "output/a.md", "offset": FAR}),
    ("fs_read", {"path": "output/a.md", "offset": -FAR}),
    ("fs_read", {"path": "output/a.md", "limit": FAR}),
    ("fs_read", {"path": "output/a.md", "limit": -FAR}),
    ("fs_read", {"path": "output/" + "ü/" * 200 + "a"}),
    ("fs_read", {"path": "output/a b+c%2Fd?e#f&g=h.md"}),
    ("fs_write", {"path": "output/a b+c%2Fd?e#f&g=h.md", "content": "x"}),
    ("fs_write", {"path": "output/%2e%2e/%2e%2e/control.json", "content": "x"}),
    ("fs_write", {"path": "output/\u0301\U0001f426 \xa0.md", "content": "\x00\x01"}),
    ("fs_write", {"path": "output/a.md", "content": "\ud800"}),
    ("fs_write", {"path": "output/a.md/b.md", "content": "below a file"}),
    ("fs_write", {"path": "output/" + "n" * NAME_LIMIT_BYTES, "content": "x"}),
    ("fs_list", {"after": "\ud800"}),
    ("fs_list", {"after": "\x00"}),
    ("fs_list", {"prefix": "output/", "after": "x" * 5000}),
    ("fs_list", {"prefix": "output/", "limit": FAR}),
    ("fs_list", {"prefix": "output/%2e%2e/"}),
]


@pytest.mark.parametrize(("tool", "arguments"), EXTREMES, ids=[f"{t} {str(a)[:40]!a}" for t, a in EXTREMES])
async def test_the_embedded_cloud_bears_what_the_twin_bears(cloud: Any, tool: str, arguments: dict[str, Any]) -> None:
    adapters = open_adapters(cloud.settings, cloud.environment)
    try:
        found = {}
        stores: dict[str, Store] = {"twin": MemoryStore(), "cloud": adapters.store}
        for name, store in stores.items():
            await store.put("output/a.md", b"open")
            await store.put(keys.CONTROL, SECRET)
            found[name] = await call(Desk(store, AGENT, NEIGHBOURS, 0), tool, arguments)
            assert (await store.get(keys.CONTROL)).body == SECRET
        if tool != "fs_list" or found["twin"] is None:
            assert found["twin"] == found["cloud"]
        else:
            paths = {name: [f["path"] for f in json.loads(said or "")["files"]] for name, said in found.items()}
            assert paths["twin"] == paths["cloud"]
    finally:
        adapters.close()
