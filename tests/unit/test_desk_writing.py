"""Writing and broadcasting at a desk: nothing is lost, nothing of others is run over, everything is recorded."""

import asyncio
import json
from random import Random

import pytest

from agent.tools.desk import BYTES_PER_TURN, FILES_PER_TURN, WRITE_LIMIT_BYTES, Desk, Said
from agent.tools.writing import APPEND_ATTEMPTS, FileChanged
from murmur.errors import InvalidEntry, InvalidInput, ObjectChanged, PathRefused, Refused, Unavailable
from murmur.memory.store import MemoryStore

LOG = "store/agent-1.ndjson"
LINE = json.dumps({"ts": "2026-01-01T00:00:00Z", "iteration": 9, "action": "a", "result": "r", "next_intent": "n"})


@pytest.fixture
def store():
    return MemoryStore()


def desk_of(store, agent=1, iteration=5, **options):
    return Desk(store, agent, frozenset({0, 2}), iteration, random=Random(agent), **options)


async def no_pause(_):
    await asyncio.sleep(0)


async def text_of(store, key):
    return (await store.get(key)).body.decode()


async def test_a_new_file_is_written_with_its_author_and_recorded(store):
    desk = desk_of(store)
    assert "5 bytes" in await desk.fs_write("output/ä b.md", "grüß"[:3] + "x")
    written = await store.get("output/ä b.md")
    assert (written.metadata["agent"], written.metadata["iteration"]) == ("1", "5")
    assert desk.files == ["output/ä b.md"]
    assert desk.etags == {"output/ä b.md": written.etag}


async def test_a_file_of_somebody_else_is_not_overwritten_unread(store):
    await desk_of(store, agent=2, iteration=7).fs_write("output/a", "theirs")
    desk = desk_of(store)
    with pytest.raises(FileChanged) as refused:
        await desk.fs_write("output/a", "mine")
    assert "agent-2 in its iteration 7" in refused.value.message
    assert await text_of(store, "output/a") == "theirs"
    assert desk.files == []
    assert len(desk.refusals) == 1


async def test_what_was_read_may_be_overwritten_again_and_again(store):
    await store.put("output/a", b"old")
    desk = desk_of(store)
    await desk.fs_read("output/a")
    await desk.fs_write("output/a", "new")
    await desk.fs_write("output/a", "newer")
    assert await text_of(store, "output/a") == "newer"
    assert desk.files == ["output/a"]


async def test_an_overwrite_of_what_changed_since_it_was_read_is_refused_and_says_by_whom(store):
    await store.put("output/a", b"old")
    desk, other = desk_of(store), desk_of(store, agent=2, iteration=3)
    await desk.fs_read("output/a")
    await other.fs_read("output/a")
    await other.fs_write("output/a", "theirs")
    with pytest.raises(FileChanged) as refused:
        await desk.fs_write("output/a", "mine")
    assert "agent-2 in its iteration 3" in refused.value.message
    assert "Read it again" in refused.value.remedy
    assert await text_of(store, "output/a") == "theirs"
    await desk.fs_read("output/a")
    await desk.fs_write("output/a", "both")
    assert await text_of(store, "output/a") == "both"


async def test_a_file_deleted_since_it_was_read_is_not_silently_recreated(store):
    await store.put("output/a", b"old")
    desk = desk_of(store)
    await desk.fs_read("output/a")
    await store.delete(["output/a"])
    with pytest.raises(FileChanged, match="deleted"):
        await desk.fs_write("output/a", "mine")
    await desk.fs_write("output/a", "anew")
    assert await text_of(store, "output/a") == "anew"


async def test_only_one_of_many_creates_the_same_file(store):
    desks = [desk_of(store, agent) for agent in range(20)]
    results = await asyncio.gather(
        *(desk.fs_write("output/claim", str(desk.agent), "create") for desk in desks), return_exceptions=True
    )
    losers = [result for result in results if isinstance(result, FileChanged)]
    assert len(losers) == 19
    assert all("already exists" in loser.message for loser in losers)


async def test_appending_to_a_file_does_not_entitle_to_overwrite_what_others_wrote_in_it(store):
    await store.put("output/list", b"theirs\n")
    desk = desk_of(store)
    await desk.fs_write("output/list", "mine", "append")
    with pytest.raises(FileChanged):
        await desk.fs_write("output/list", "only mine")


async def test_an_append_begins_on_a_line_of_its_own(store):
    desk = desk_of(store)
    for text in ("one", "two\n", "three"):
        await desk.fs_write("output/list", text, "append")
    assert await text_of(store, "output/list") == "one\ntwo\nthree"


class SlowStore(MemoryStore):
    """Every operation takes a few turns of the loop, so that writers really meet."""

    async def get(self, key, *, start=0, length=None):
        await asyncio.sleep(0)
        found = await super().get(key, start=start, length=length)
        await asyncio.sleep(0)
        return found

    async def replace(self, key, body, etag, **options):
        await asyncio.sleep(0)
        return await super().replace(key, body, etag, **options)


async def test_64_agents_appending_20_lines_each_lose_and_double_none(monkeypatch):
    # Each desk stands for a host of its own: the queue within one process must not be what saves the lines.
    monkeypatch.setattr("agent.tools.writing._queues", NoQueues())
    store, pauses = SlowStore(), 0

    async def pause(seconds):
        nonlocal pauses
        pauses += 1
        await asyncio.sleep(seconds / 100)

    async def work(agent):
        desk = desk_of(store, agent, pause=pause)
        for n in range(20):
            await desk.fs_write("output/list", f"{agent}:{n}", "append")

    await asyncio.gather(*(work(agent) for agent in range(64)))
    lines = (await text_of(store, "output/list")).split("\n")
    assert sorted(lines) == sorted(f"{agent}:{n}" for agent in range(64) for n in range(20))
    assert pauses > 64, "they did race"


class NoQueues:
    def setdefault(self, _key, lock):
        return lock


async def test_appends_of_one_process_stand_in_line_instead_of_racing():
    store, pauses = SlowStore(), 0

    async def pause(_seconds):
        nonlocal pauses
        pauses += 1

    desks = [desk_of(store, agent, pause=pause) for agent in range(16)]
    await asyncio.gather(*(desk.fs_write("output/list", str(desk.agent), "append") for desk in desks))
    assert sorted((await text_of(store, "output/list")).split()) == sorted(str(n) for n in range(16))
    assert pauses == 0


class ForgetfulStore(MemoryStore):
    """Writes, and then answers as if it had not: what a lost answer and a repeat by the client look like."""

    def __init__(self, error):
        super().__init__()
        self.error, self.lies = error, 3

    async def _lie(self, key):
        if self.lies:
            self.lies -= 1
            raise ObjectChanged(key) if self.error is ObjectChanged else Unavailable("The store is away.", "Wait.")

    async def create(self, key, body, **options):
        etag = await super().create(key, body, **options)
        await self._lie(key)
        return etag

    async def replace(self, key, body, etag, **options):
        new = await super().replace(key, body, etag, **options)
        await self._lie(key)
        return new


@pytest.mark.parametrize("error", [ObjectChanged, Unavailable])
async def test_an_append_whose_answer_got_lost_is_not_repeated(error):
    store = ForgetfulStore(error)
    desk = desk_of(store, pause=no_pause)
    for text in ("one", "two", "three", "four"):
        await desk.fs_write("output/list", text, "append")
    assert await text_of(store, "output/list") == "one\ntwo\nthree\nfour"


async def test_a_write_whose_answer_got_lost_is_not_taken_for_somebody_elses():
    store = ForgetfulStore(ObjectChanged)
    desk = desk_of(store)
    await desk.fs_write("output/a", "one", "create")
    await desk.fs_write("output/a", "two")
    assert await text_of(store, "output/a") == "two"


async def test_an_append_gives_up_in_words_when_it_never_gets_through():
    class Busy(MemoryStore):
        async def replace(self, key, body, etag, **options):
            raise ObjectChanged(key)

    store, pauses = Busy(), []

    async def pause(seconds):
        pauses.append(seconds)

    await store.put("output/list", b"x")
    with pytest.raises(Unavailable, match="nothing was written"):
        await desk_of(store, pause=pause).fs_write("output/list", "y", "append")
    assert len(pauses) == APPEND_ATTEMPTS - 1
    assert max(pauses) <= 1.0


async def test_a_desk_closed_during_an_append_does_not_write_any_more():
    class Busy(MemoryStore):
        async def replace(self, key, body, etag, **options):
            raise ObjectChanged(key)

    async def pause(_seconds):
        desk.close()

    store = Busy()
    await store.put("output/list", b"x")
    desk = desk_of(store, pause=pause)
    with pytest.raises(Refused, match="turn has ended"):
        await desk.fs_write("output/list", "y", "append")


async def test_a_closed_desk_refuses_everything(store):
    desk = desk_of(store)
    desk.close()
    for call in (
        desk.fs_read("direction.md"),
        desk.fs_list(),
        desk.fs_write("output/a", "x"),
        desk.fs_write(LOG, LINE, "append"),
        desk.broadcast("a", "b", "c"),
    ):
        with pytest.raises(Refused, match="turn has ended"):
            await call
    assert desk.said is None


async def test_at_rest_waits_for_the_call_that_is_going_on():
    store, gate = MemoryStore(), asyncio.Event()

    async def pause(_seconds):
        await gate.wait()

    class OnceBusy(MemoryStore):
        tries = 0

        async def replace(self, key, body, etag, **options):
            self.tries += 1
            if self.tries == 1:
                raise ObjectChanged(key)
            return await super().replace(key, body, etag, **options)

    store = OnceBusy()
    await store.put("output/list", b"x")
    desk = desk_of(store, pause=pause)
    await desk.at_rest()
    writing = asyncio.create_task(desk.fs_write("output/list", "y", "append"))
    resting = asyncio.create_task(desk.at_rest())
    await asyncio.sleep(0.05)
    assert not resting.done()
    gate.set()
    await resting
    assert desk.files == ["output/list"]
    await writing


@pytest.mark.parametrize(
    ("content", "words"),
    [("x" * (WRITE_LIMIT_BYTES + 1), "more than one call may write"), ("half \ud83d", "lone surrogate")],
)
async def test_content_that_cannot_be_written_is_refused(store, content, words):
    with pytest.raises(InvalidInput, match=words):
        await desk_of(store).fs_write("output/a", content)


async def test_an_unknown_mode_is_refused(store):
    with pytest.raises(InvalidInput, match="no mode"):
        await desk_of(store).fs_write("output/a", "x", "overwrite")


async def test_a_turn_writes_no_more_than_its_share(store):
    desk = desk_of(store)
    for n in range(FILES_PER_TURN):
        await desk.fs_write(f"output/{n}", "x")
    with pytest.raises(Refused, match="files"):
        await desk.fs_write("output/one-more", "x")
    await desk.fs_write("output/0", "again")
    desk = desk_of(store, agent=2)
    for n in range(BYTES_PER_TURN // WRITE_LIMIT_BYTES):
        await desk.fs_write(f"output/big-{n}", "x" * WRITE_LIMIT_BYTES)
    with pytest.raises(Refused, match="bytes"):
        await desk.fs_write("output/one-more", "x")


async def test_the_first_broadcast_counts_and_a_second_is_refused(store):
    desk = desk_of(store)
    await desk.broadcast("did\nthis", "r" * 500, "n", "idle")
    assert desk.said == Said("did this", "r" * 199 + "…", "n", "idle")
    with pytest.raises(Refused, match="already broadcast"):
        await desk.broadcast("and", "that", "too")
    assert desk.said.action == "did this"
    assert store.put_keys == [], "the runtime writes the log, not the desk"


@pytest.mark.parametrize("arguments", [("", "r", "n"), (" \n", "r", "n"), ("a", "r", "n", "bored")])
async def test_a_broadcast_without_action_or_with_an_unknown_state_is_refused(store, arguments):
    desk = desk_of(store)
    with pytest.raises(InvalidInput):
        await desk.broadcast(*arguments)
    assert desk.said is None


async def test_appending_one_entry_line_to_the_own_log_is_a_broadcast(store):
    desk = desk_of(store)
    await desk.fs_write(LOG, LINE + "\n", "append")
    assert desk.said == Said("a", "r", "n", "working")
    assert desk.files == []
    with pytest.raises(Refused, match="already broadcast"):
        await desk.fs_write(LOG, LINE, "append")


@pytest.mark.parametrize("content", ["", "no json", "[]", "{}", LINE + "\n" + LINE, '{"action": "a"}'])
async def test_anything_else_appended_to_the_own_log_is_refused(store, content):
    desk = desk_of(store)
    with pytest.raises(InvalidEntry):
        await desk.fs_write(LOG, content, "append")
    assert desk.said is None


@pytest.mark.parametrize("mode", ["write", "create"])
async def test_the_own_log_is_never_overwritten(store, mode):
    with pytest.raises(PathRefused, match="broadcast"):
        await desk_of(store).fs_write(LOG, LINE, mode)


async def test_nothing_a_browser_would_run_is_labelled_so(store):
    await desk_of(store).fs_write("output/x.html", "<script>")
    assert (await store.get("output/x.html")).content_type == "text/plain; charset=utf-8"
