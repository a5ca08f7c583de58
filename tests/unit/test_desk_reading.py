"""Reading and listing at a desk."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tools.desk import READ_LIMIT_BYTES, Desk
from agent.tools.page import NotText, page_of
from murmur.errors import ObjectMissing, PathRefused
from murmur.memory.store import MemoryStore
from murmur.ports import StoredObject
from tests.unit.pages import parse_page


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def desk(store):
    return Desk(store, 1, frozenset({0, 2}), 5)


async def test_a_whole_file_is_read_as_it_is(store, desk):
    await store.put("output/a.md", "Grüße\n".encode())
    assert await desk.fs_read("output/a.md") == "Grüße\n"


async def test_a_missing_file_is_a_clear_error(desk):
    with pytest.raises(ObjectMissing):
        await desk.fs_read("output/none")


async def test_a_file_of_5_megabytes_reads_in_pages_that_join_to_the_whole(store, desk):
    text = "".join(f"Zeile {n} – 🐦 – äöü\n" for n in range(170_000))
    await store.put("output/big", text.encode())
    assert len(text.encode()) > 5_000_000
    parts, offset = [], 0
    while offset is not None:
        rendered = await desk.fs_read("output/big", offset, 10**9)
        assert len(rendered.encode()) <= READ_LIMIT_BYTES + 200
        assert f"of {len(text.encode())}" in rendered[-120:]
        part, offset = parse_page(rendered)
        parts.append(part)
    assert "".join(parts) == text


async def test_a_negative_offset_reads_the_end(store, desk):
    await store.put("output/log", "".join(f"{n}\n" for n in range(1000)).encode())
    rendered = await desk.fs_read("output/log", -20)
    assert parse_page(rendered)[0].endswith("998\n999\n")
    assert "end of file" in rendered


async def test_reading_past_the_end_says_so(store, desk):
    await store.put("output/a", b"abc")
    assert parse_page(await desk.fs_read("output/a", 99)) == ("", None)
    assert "of 3; end of file" in await desk.fs_read("output/a", 99)


async def test_an_empty_file_is_empty(store, desk):
    await store.put("output/a", b"")
    assert await desk.fs_read("output/a") == ""


@given(st.text(max_size=80), st.integers(16, 40), st.integers(0, 90))
def test_a_page_never_splits_a_character_and_never_stands_still(text, limit, start):
    body = text.replace("\0", "").encode()
    part = StoredObject("k", body[start : start + limit], "e", len(body), None, min(start, len(body)))
    page = page_of(part)
    assert body[page.start : page.end].decode() == page.text
    assert page.end > part.start or part.start >= len(body)


@pytest.mark.parametrize(
    ("body", "guess"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
        (b"%PDF-1.7\n\xff\xfe", "a PDF document"),
        (bytes(100), "binary data (.bin)"),
        ("Grüße".encode("latin-1"), "Latin-1"),
        ("hallo".encode("utf-16"), "UTF-16"),
    ],
)
async def test_a_file_that_is_no_text_names_its_size_and_its_looks(store, desk, body, guess):
    await store.put("knowledge-base/x.bin", body)
    with pytest.raises(NotText) as refused:
        await desk.fs_read("knowledge-base/x.bin")
    assert guess in refused.value.message
    assert f"{len(body)} bytes" in refused.value.message


async def test_pages_of_two_versions_are_not_taken_for_one_file(store, desk):
    await store.put("output/a", b"x" * 100)
    await desk.fs_read("output/a", 0, 50)
    await store.put("output/a", b"y" * 100)
    assert "CHANGED" in await desk.fs_read("output/a", 50, 50)
    assert "CHANGED" not in await desk.fs_read("output/a", 0, 50)


async def test_a_listing_shows_only_what_may_be_read_in_order(store, desk):
    readable = ["config.json", "direction.md", "knowledge-base/k", "output/a", "output/b c/ü", "store/agent-0.ndjson"]
    readable += ["store/agent-1.directive.md", "store/agent-1.ndjson"]
    hidden = [
        "control.json",
        "history/r/output/a",
        "state/agent-1.json",
        "store/agent-2.directive.md",
        "store/agent-7.ndjson",
    ]
    for key in [*readable, *hidden, "config.json.bak", "web/index.html"]:
        await store.put(key, b"12345")
    answer = json.loads(await desk.fs_list())
    assert [file["path"] for file in answer["files"]] == readable
    assert answer["files"][0]["size"] == 5
    assert answer["files"][0]["modified"].endswith("Z")
    assert answer["more"] is False


@pytest.mark.parametrize("prefix", ["", "output/", "output"])
async def test_a_listing_in_pages_misses_and_repeats_nothing(store, desk, prefix):
    names = [f"output/{n:03}" for n in range(23)] + ["store/agent-0.ndjson", "store/agent-2.ndjson"]
    for key in [*names, *(f"store/agent-{n}.ndjson" for n in range(5, 30))]:
        await store.put(key, b"")
    found, after, more = [], "", True
    while more:
        answer = json.loads(await desk.fs_list(prefix, after, 4))
        assert len(answer["files"]) <= 4
        found += [file["path"] for file in answer["files"]]
        more, after = answer["more"], answer["after"]
    assert found == [name for name in sorted(names) if name.startswith(prefix)]


async def test_a_listing_of_very_long_names_stays_bounded(store, desk):
    for n in range(400):
        await store.put(f"output/{'x' * 200}/{'y' * 200}/{'z' * 200}/{n:03}", b"")
    text = await desk.fs_list("output/", "", 1000)
    assert len(text) < 200_000
    assert json.loads(text)["more"] is True


async def test_what_was_refused_is_remembered_but_not_without_end(desk):
    for n in range(30):
        with pytest.raises(PathRefused):
            await desk.fs_read(f"state/{n}" + "x" * 500)
    assert len(desk.refusals) == 20
    assert all(len(refusal) <= 200 for refusal in desk.refusals)
