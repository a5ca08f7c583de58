"""Deciding what to do: facts, neighbours, choice, names, checklist items."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted import tools as scripted_tools
from agent.brains.scripted.facts import TurnFacts, cross_check, parse_facts
from agent.brains.scripted.neighbours import announced
from agent.brains.scripted.tools import PAGE_BYTES, clip, list_files, read_text
from agent.brains.scripted.work.choice import candidates
from agent.brains.scripted.work.items import parse_items
from agent.brains.scripted.work.naming import claim_name, digest_key, fingerprint
from agent.tools.page import Page
from murmur.entry import one_line
from murmur.errors import InvalidInput
from tests.unit.pages import parse_page

FACTS = TurnFacts(agent=1, of=4, neighbours=(0, 2), iteration=3)
paths = st.text(st.sampled_from("ab_/.- é"), min_size=1, max_size=12)


class Shelf:
    """Tools over a dict of texts; reads as the desk does."""

    def __init__(self, files: dict[str, str], page: int = PAGE_BYTES) -> None:
        self.files = files
        self.page = page
        self.reads: list[str] = []

    async def call(self, tool: str, **arguments: str | int) -> str:
        if tool == "fs_list":
            return self._list(str(arguments["prefix"]), str(arguments["after"]))
        assert tool == "fs_read"
        path, offset = str(arguments["path"]), int(arguments.get("offset", 0))
        self.reads.append(path)
        if path not in self.files:
            raise ToolRefused(f"There is no object {path!r}.")
        body = self.files[path].encode()
        start = max(0, len(body) + offset) if offset < 0 else offset
        end = min(len(body), start + min(self.page, int(arguments.get("limit", 65_536))))
        return Page(body[start:end].decode(), start, end, len(body)).render()

    def _list(self, prefix: str, after: str) -> str:
        keys = [k for k in sorted(self.files) if k.startswith(prefix) and k > after]
        files = [{"path": k, "size": len(self.files[k].encode()), "modified": ""} for k in keys[:3]]
        return json.dumps({"files": files, "more": len(keys) > 3, "after": keys[2] if len(keys) > 3 else ""})


def log_line(intent: str, state: str = "working") -> str:
    return json.dumps({"iteration": 1, "action": "a", "result": "r", "next_intent": intent, "state": state}) + "\n"


def test_facts_come_from_the_first_block_of_the_prompt() -> None:
    first = '{"agent":3,"of":8,"neighbours":[2,4,3,true,"x"],"iteration":5,"woken_by":[{"agent":2,"iteration":7},9]}'
    facts = parse_facts(f'```murmur-turn\r\n{first}\r\n```\ntext\n```murmur-turn\n{{"agent":0}}\n```')
    assert facts == TurnFacts(3, 8, (2, 4), 5, (2,))


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("hello", "no murmur-turn block"),
        ("```murmur-turn\nnonsense\n```", "not JSON"),
        ("```murmur-turn\n[1]\n```", "no JSON object"),
        ('```murmur-turn\n{"agent":-1,"of":2,"iteration":0}\n```', "agent is -1"),
        ('```murmur-turn\n{"agent":1,"of":2}\n```', "iteration is None"),
    ],
)
def test_a_prompt_without_whole_facts_is_refused_in_words(prompt: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        parse_facts(prompt)


@pytest.mark.parametrize(
    ("config", "of"), [('{"concurrency": 9}', 9), ('{"concurrency": 1}', 4), ("[]", 4), ("broken", 4), (None, 4)]
)
async def test_the_size_of_the_flock_is_what_the_configuration_says_now(config: str | None, of: int) -> None:
    shelf = Shelf({} if config is None else {"config.json": config})
    assert (await cross_check(shelf, FACTS)).of == of


async def test_only_the_newest_working_entry_of_a_neighbour_announces() -> None:
    shelf = Shelf(
        {
            "store/agent-0.ndjson": log_line("digest a") + log_line("digest b") + "broken line\n",
            "store/agent-2.ndjson": log_line("digest c") + log_line("nothing", "idle"),
        }
    )
    assert await announced(shelf, FACTS._replace(neighbours=(0, 2, 3))) == {"digest b"}


async def test_of_a_long_log_only_the_tail_is_read() -> None:
    shelf = Shelf({"store/agent-0.ndjson": log_line("digest old") * 3000 + log_line("digest new")})
    assert await announced(shelf, FACTS._replace(neighbours=(0,))) == {"digest new"}
    assert shelf.reads == ["store/agent-0.ndjson"]


async def test_in_a_mesh_the_nearest_logs_are_read_and_those_that_woke_the_agent() -> None:
    everyone = TurnFacts(agent=0, of=64, neighbours=tuple(range(1, 64)), iteration=0, woken_by=(32,))
    shelf = Shelf({})
    await announced(shelf, everyone)
    read = {int(path.split("-")[1].split(".")[0]) for path in shelf.reads}
    assert {32, 1, 63} <= read
    assert len(read) == 16


def test_agents_of_a_flock_begin_with_different_pieces() -> None:
    pieces = [f"d{n:02}" for n in range(40)]
    firsts = [candidates(pieces, pieces, lambda _: False, TurnFacts(n, 8, (), 0), 0)[0] for n in range(8)]
    assert firsts == [f"d{n:02}" for n in range(0, 40, 5)]


def test_what_a_neighbour_announced_is_taken_last_but_taken() -> None:
    pieces = ["a", "b", "c", "d"]
    order = candidates(pieces, pieces, lambda piece: piece == "a", TurnFacts(0, 4, (), 0), 0)
    assert sorted(order) == pieces
    assert order[-1] == "a"


@given(
    st.lists(st.text(max_size=5), unique=True, max_size=30),
    st.integers(0, 9),
    st.integers(1, 9),
    st.integers(0, 3),
    st.data(),
)
def test_every_pending_piece_is_a_candidate_once_and_the_order_stays(
    pieces: list[str], agent: int, of: int, seed: int, data: st.DataObject
) -> None:
    pending = data.draw(st.sets(st.sampled_from(pieces))) if pieces else set()
    facts = TurnFacts(agent, of, (), 0)
    order = candidates(pieces, pending, lambda piece: "a" in piece, facts, seed)
    assert sorted(order) == sorted(pending)
    fewer = set(order[1:])
    assert candidates(pieces, fewer, lambda piece: "a" in piece, facts, seed) == order[1:]


@given(st.lists(paths, unique=True, min_size=2, max_size=8))
def test_no_two_documents_share_a_digest(documents: list[str]) -> None:
    digests = {digest_key(f"knowledge-base/{path}") for path in documents}
    assert len(digests) == len(documents)
    assert all("/" not in key.removeprefix("output/digests/") and key.isascii() for key in digests)


def test_plain_names_stay_readable_and_others_become_safe() -> None:
    assert digest_key("knowledge-base/how-to/run_it.md") == "output/digests/how-to__run_it.md.md"
    assert digest_key("knowledge-base/a b/ü.md").startswith("output/digests/a-b-md~")
    assert len(digest_key("knowledge-base/" + "x" * 880)) < 120
    assert fingerprint("") == "cbf29ce484222325"
    assert fingerprint("a") == "af63dc4c8601ec8c"


def test_boxes_are_the_items_where_there_are_boxes() -> None:
    items = parse_items("Do:\n- be brief\n- [ ] first\n  - [ ] nested\n- [x] done\n* [ ] first\n")
    assert [item.text for item in items] == ["first", "nested", "first"]
    assert len({item.claim for item in items}) == 3


def test_bullets_and_numbers_are_items_at_the_top_level_outside_code() -> None:
    text = "Take these:\r\n1. one\r\n2) two\r\n    - detail\r\n* three\r\n***\r\n```\n- code\n```\n- - -\n"
    assert [item.text for item in parse_items(text)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    "text", ["", "Digest every document, then write one index.", "- only one", "-no\n-item", "---\n---"]
)
def test_less_than_two_items_are_no_checklist(text: str) -> None:
    assert parse_items(text) == []


def test_claims_of_different_items_differ_even_where_the_slug_is_the_same() -> None:
    assert claim_name("a b", 1) != claim_name("a-b", 1) != claim_name("a-b", 2)


@given(st.text(max_size=700))
def test_what_is_clipped_stands_in_the_log_as_it_is(text: str) -> None:
    assert one_line(clip(text)) == clip(text)


async def test_listings_and_texts_are_read_page_by_page() -> None:
    shelf = Shelf({f"knowledge-base/{n}": "x" for n in range(10)}, page=10)
    shelf.files["long"] = "lighthouse keeper " * 20
    assert [f.path for f in await list_files(shelf, "knowledge-base/")] == [f"knowledge-base/{n}" for n in range(10)]
    assert (await read_text(shelf, "long")).text == shelf.files["long"]
    part = await read_text(shelf, "long", bound=50)
    assert part.text == shelf.files["long"][:50]
    assert part.stopped == "the first 50 of 360 bytes"


async def test_a_small_document_that_ends_like_a_page_note_is_not_read_on() -> None:
    text = "text\n[murmur] bytes 0-4 of 999; next offset 4"
    shelf = Shelf({"doc": text})
    assert (await read_text(shelf, "doc", len(text))).text == text


@given(st.text(st.sampled_from("ab\n[]"), max_size=20), st.integers(0, 5), st.integers(0, 30))
def test_page_notes_are_read_as_their_writer_reads_them(text: str, start: int, more: int) -> None:
    end = start + len(text)
    rendered = Page(text, start, end, end + more).render()
    note = scripted_tools._NOTE.search(rendered)
    mine = (rendered[: note.start()], int(note["next"]) if note["next"] else None) if note else (rendered, None)
    assert mine == parse_page(rendered)
