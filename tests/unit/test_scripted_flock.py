"""Flocks of scripted minds on one store, without processes: whatever the interleaving, the work is done once and all of it."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Mapping
from typing import Any

import pytest

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted.facts import TurnFacts
from agent.brains.scripted.inprocess import DeskTools, ScriptedMind
from agent.brains.scripted.turn import take_turn
from agent.brains.scripted.work.naming import digest_key
from agent.tools.desk import Desk, Said
from murmur import keys
from murmur.entry import LogEntry
from murmur.memory.store import MemoryStore
from murmur.ports import Listing, StoredObject
from murmur.ring import ring_neighbours

TURNS_PER_AGENT = 60


class JitteryStore(MemoryStore):
    """Lets other agents in at every call, in an order drawn from a seed. ``fail`` may raise before a call is done."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)

    async def _yield(self) -> None:
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        await self._yield()
        return await super().get(key, start=start, length=length)

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> Listing:
        await self._yield()
        return await super().list(prefix, after=after, limit=limit)

    async def create(self, key: str, body: bytes, **more: Any) -> str:
        await self._yield()
        return await super().create(key, body, **more)

    async def replace(self, key: str, body: bytes, etag: str, **more: Any) -> str:
        await self._yield()
        return await super().replace(key, body, etag, **more)


class Flock:
    """Agents that take turns at once as long as they have said they are working, each turn on a desk of its own."""

    def __init__(self, store: MemoryStore, size: int, seed: int = 0) -> None:
        self.store = store
        self.size = size
        self.random = random.Random(seed)
        self.entries: dict[int, list[LogEntry]] = {n: [] for n in range(size)}
        self.refusals: list[str] = []

    async def settle(self, agents: range | None = None) -> None:
        await asyncio.gather(*(self.live(n) for n in agents or range(self.size)))

    async def live(self, agent: int) -> None:
        for _ in range(TURNS_PER_AGENT):
            entry = await self.turn(agent)
            if entry.state == "idle":
                return
            for _ in range(self.random.randrange(20)):
                await asyncio.sleep(0)
        raise AssertionError(f"agent-{agent} is still working after {TURNS_PER_AGENT} turns: {entry}")

    async def turn(self, agent: int) -> LogEntry:
        neighbours = ring_neighbours(agent, self.size, 1)
        iteration = len(self.entries[agent])
        desk = Desk(self.store, agent, frozenset(neighbours), iteration, random=self.random, pause=no_pause)
        outcome = await ScriptedMind().run(desk, prompt(agent, self.size, neighbours, iteration), 60)
        assert outcome.stop_reason == "end_turn", outcome
        assert desk.listed.is_set()
        assert desk.said is not None
        said = desk.said
        entry = LogEntry(
            ts="2026-11-23T00:00:00.000Z",
            iteration=iteration,
            action=said.action,
            result=said.result,
            next_intent=said.next_intent,
            state=said.state,
            files=tuple(desk.files),
        )
        self.entries[agent].append(entry)
        self.refusals += desk.refusals
        log = b"".join(e.to_line() for e in self.entries[agent])
        await self.store.put(keys.log(agent), log)
        return entry

    @property
    def files(self) -> list[str]:
        return [key for entries in self.entries.values() for entry in entries for key in entry.files]

    @property
    def all_entries(self) -> list[LogEntry]:
        return [entry for entries in self.entries.values() for entry in entries]


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


def prompt(agent: int, of: int, neighbours: tuple[int, ...], iteration: int) -> str:
    facts = {"agent": agent, "of": of, "algorithm": "amorphous", "neighbours": neighbours, "iteration": iteration}
    return f"```murmur-turn\n{json.dumps({**facts, 'cause': 'start', 'woken_by': []})}\n```\nGo."


async def shelved(store: MemoryStore, files: Mapping[str, str | bytes]) -> None:
    for key, text in files.items():
        await store.put(key, text.encode() if isinstance(text, str) else text)


def documents(count: int) -> dict[str, str]:
    return {
        f"knowledge-base/part {n % 3}/doc-{n:02}.md": f"# Document {n}\n\nThe keeper of lighthouse number {n} never sleeps at night.\n"
        for n in range(count)
    }


async def text_of(store: MemoryStore, key: str) -> str:
    return (await store.get(key)).body.decode()


async def output_of(store: MemoryStore, prefix: str = "output/") -> list[str]:
    return [o.key for o in (await store.list(prefix)).objects]


@pytest.mark.parametrize("seed", range(6))
async def test_every_document_is_digested_once_and_one_index_links_them_all(seed: int) -> None:
    store = JitteryStore(seed)
    docs = documents(40)
    await shelved(store, docs)
    flock = Flock(store, 8, seed)
    await flock.settle()
    digests = sorted(digest_key(path) for path in docs)
    assert sorted(key for key in flock.files if key.startswith("output/digests/")) == digests
    assert flock.files.count("output/index.md") == 1
    index = await text_of(store, "output/index.md")
    assert re.findall(r"\]\((digests/[^)]+)\)", index) == [digest_key(p).removeprefix("output/") for p in sorted(docs)]
    assert "The keeper of lighthouse number 7 never sleeps at night." in index
    assert [entries[-1].state for entries in flock.entries.values()] == ["idle"] * 8
    assert len(flock.all_entries) <= 40 + 8 + 4, "agents stood in each other's way"


async def test_a_flock_in_step_takes_each_document_without_a_conflict() -> None:
    store = MemoryStore()
    await shelved(store, documents(16))
    flock = Flock(store, 8)
    for _ in range(2):
        for agent in range(8):
            await flock.turn(agent)
    assert flock.refusals == []
    assert flock.all_entries[-1].state == "idle"
    assert len(flock.files) == 17


async def test_what_an_agent_says_is_what_it_does_next() -> None:
    store = MemoryStore()
    await shelved(store, documents(9))
    flock = Flock(store, 3)
    for agent in (0, 1, 2) * 2:
        await flock.turn(agent)
    for first, second in flock.entries.values():
        assert second.action == first.next_intent.replace("digest ", "digested ")
        assert "1 heading, 1 key sentence from" in first.result


async def test_one_agent_alone_does_everything_and_then_rests() -> None:
    store = MemoryStore()
    await shelved(store, documents(5))
    flock = Flock(store, 1)
    await flock.settle()
    assert [e.state for e in flock.entries[0]] == ["working"] * 4 + ["idle"]
    assert flock.entries[0][-1].action.endswith("and wrote output/index.md")


async def test_documents_of_agents_that_died_are_digested_by_the_others() -> None:
    store = MemoryStore()
    await shelved(store, documents(12))
    flock = Flock(store, 4)
    await flock.turn(1)
    await flock.turn(2)
    await flock.settle(range(3, 4))
    assert len(await output_of(store, "output/digests/")) == 12
    assert flock.files.count("output/index.md") == 1


async def test_an_index_is_extended_when_documents_are_added() -> None:
    store = JitteryStore(3)
    await shelved(store, documents(3))
    flock = Flock(store, 4, 3)
    await flock.settle()
    await shelved(store, documents(9))
    await flock.settle()
    index = await text_of(store, "output/index.md")
    assert len(re.findall(r"\]\(digests/", index)) == 9
    assert len([f for f in flock.files if f.startswith("output/digests/")]) == 9
    assert any("extended output/index.md" in entry.action for entry in flock.all_entries)


async def test_documents_of_every_kind_get_an_honest_digest() -> None:
    store = MemoryStore()
    long = ("The keeper of the lighthouse lit the lamp again. " * 60 + "\n\n") * 1000
    await shelved(
        store,
        {
            "knowledge-base/": b"",
            "knowledge-base/empty.txt": b"",
            "knowledge-base/logo.png": b"\x89PNG\r\n\x1a\n\x00\x01",
            "knowledge-base/latin.txt": "Gr\xfc\xdfe".encode("latin-1"),
            "knowledge-base/long.txt": long,
            "knowledge-base/half.bin": b"A text that turns into something else. " * 20_000 + b"\xff\x00",
            "knowledge-base/dir//double.md": b"# A name that nobody may read\n",
            "knowledge-base/ein Bü`ch.md": "Überschrift\r\n===========\r\n\r\nDer Wärter zündet jeden Abend die Lampe an.\r\n",
        },
    )
    flock = Flock(store, 2)
    await flock.settle()
    found = {path: await text_of(store, path) for path in await output_of(store, "output/digests/")}
    assert len(found) == 7
    assert "The document is empty." in found["output/digests/empty.txt.md"]
    assert "by its looks a PNG image" in found["output/digests/logo.png.md"]
    assert "such as Latin-1" in found["output/digests/latin.txt.md"]
    assert re.search(
        r"Only a part was read: the first 2,\d{3},\d{3} of 2,9\d\d,\d{3} bytes", found["output/digests/long.txt.md"]
    )
    assert "what follows is not text" in found["output/digests/half.bin.md"]
    assert any("is refused" in text for text in found.values())
    assert any("Der Wärter zündet jeden Abend die Lampe an." in text for text in found.values())
    assert len(re.findall(r"^- \[", await text_of(store, "output/index.md"), re.MULTILINE)) == 7


async def test_nothing_to_do_is_said_at_once_with_what_the_operator_can_do() -> None:
    store = MemoryStore()
    flock = Flock(store, 2)
    await flock.settle()
    (entry,) = flock.entries[0]
    assert entry.state == "idle"
    assert "add documents" in entry.result
    assert flock.files == []


@pytest.mark.parametrize("seed", range(6))
async def test_every_item_of_a_checklist_is_taken_by_one_agent_and_has_one_line(seed: int) -> None:
    store = JitteryStore(seed)
    items = [f"- [ ] Light lamp <{n // 2}> of [tower](x)" for n in range(30)]
    await shelved(store, {"direction.md": "\n".join(["Light all lamps.", *items]), **documents(2)})
    flock = Flock(store, 8, seed)
    await flock.settle()
    lines = (await text_of(store, "output/checklist.md")).splitlines()
    claims = await output_of(store, "output/claims/")
    assert len(lines) == len(set(lines)) == len(claims) == 30
    assert len({line.split(" (taken")[0] for line in lines}) == 15
    for claim in claims:
        (line,) = [line for line in lines if claim.removeprefix("output/") in line]
        taken_by = re.match(r"Taken by (agent-\d) ", await text_of(store, claim))
        assert taken_by
        assert taken_by[1] in line
    assert [entries[-1].state for entries in flock.entries.values()] == ["idle"] * 8
    assert await output_of(store, "output/digests/") == []


async def test_a_claim_whose_line_never_came_is_finished_by_its_own_agent_only() -> None:
    store = MemoryStore()
    await shelved(store, {"direction.md": "- one\n- two\n"})
    flock = Flock(store, 2)
    desk = Desk(store, 1, frozenset({0}), 0)
    real = desk.fs_write

    async def cut_off(path: str, content: str, mode: str = "write") -> str:
        if mode == "append":
            raise asyncio.CancelledError
        return await real(path, content, mode)

    desk.fs_write = cut_off  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await ScriptedMind().run(desk, prompt(1, 2, (0,), 0), 60)
    assert len(await output_of(store, "output/claims/")) == 1
    await flock.settle(range(1))
    assert (await text_of(store, "output/checklist.md")).count("\n") == 1
    assert "1 claimed and not yet written" in flock.entries[0][-1].result
    await flock.settle(range(1, 2))
    assert (await text_of(store, "output/checklist.md")).count("\n") == 2
    assert flock.entries[1][0].action == "finished its own claim on two"


async def test_a_tool_that_fails_is_reported_and_the_agent_goes_on_later() -> None:
    store = MemoryStore()
    await shelved(store, {"knowledge-base/a.md": "# A\n"})
    desk = Desk(store, 0, frozenset(), 0)
    tools = DeskTools(desk)

    async def down(**_: str | int) -> str:
        raise ToolRefused("The store did not answer. Try again.")

    tools._tools["fs_list"] = down
    report = await take_turn(tools, TurnFacts(0, 1, (), 0))
    assert report.action == "could not go on"
    assert desk.said == Said("could not go on", "The store did not answer. Try again.", report.next_intent, "working")


async def test_thinking_longer_than_the_turn_may_take_is_a_timeout() -> None:
    slept: list[float] = []

    async def pause(seconds: float) -> None:
        slept.append(seconds)

    desk = Desk(MemoryStore(), 0, frozenset(), 0)
    outcome = await ScriptedMind(think_seconds=90, pause=pause).run(desk, prompt(0, 1, (), 0), 60)
    assert outcome.stop_reason == "timeout"
    assert slept == [60]
    assert desk.said is None


async def test_a_prompt_that_names_no_agent_is_an_error_and_not_a_crash() -> None:
    outcome = await ScriptedMind().run(Desk(MemoryStore(), 0, frozenset(), 0), "hello", 60)
    assert outcome.stop_reason == "error"
    assert "murmur-turn" in outcome.detail
