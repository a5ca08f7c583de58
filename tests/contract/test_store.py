"""What every Store promises."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from murmur.errors import ObjectChanged, ObjectMissing
from murmur.ports import Store

ODD_KEYS = [
    "output/with space.md",
    "output/ümläut/日本語 – ✓.md",
    "output/100%+&=?#;,'\"<>.txt",
    "output/a//b",
    "output/..hidden/...",
    "output/" + "long/" * 100 + "name",
    "output/" + "x" * 250,
    "output/tab\tand\\backslash",
    "output/looks.meta.json",
    "output/looks.tmp",
]


@pytest.fixture
def store(world) -> Store:
    return world.store


async def test_an_object_comes_back_as_it_was_put(store):
    etag = await store.put(
        "output/a.md", b"# A\n", content_type="text/markdown", metadata={"agent": "3", "iteration": "7"}
    )
    found = await store.get("output/a.md")
    assert (found.key, found.body, found.etag, found.size, found.start) == ("output/a.md", b"# A\n", etag, 4, 0)
    assert found.content_type == "text/markdown"
    assert dict(found.metadata) == {"agent": "3", "iteration": "7"}
    assert '"' not in etag
    assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=5)


async def test_head_tells_everything_but_the_body(store):
    await store.put("k", b"12345", metadata={"agent": "1"})
    whole, head = await store.get("k"), await store.head("k")
    assert head.body == b""
    assert (head.etag, head.size, dict(head.metadata)) == (whole.etag, 5, {"agent": "1"})


@pytest.mark.parametrize("write", ["put", "create", "replace"])
async def test_metadata_and_type_survive_every_kind_of_write(store, write):
    more = {"content_type": "text/plain", "metadata": {"agent": "5"}}
    if write == "replace":
        etag = await store.replace("k", b"new", await store.put("k", b"old"), **more)
    else:
        etag = await getattr(store, write)("k", b"new", **more)
    found = await store.get("k")
    assert (found.body, found.etag, found.content_type, dict(found.metadata)) == (
        b"new",
        etag,
        "text/plain",
        {"agent": "5"},
    )


async def test_the_etag_changes_with_the_body(store):
    first = await store.put("k", b"one")
    second = await store.put("k", b"two")
    assert first != second
    assert (await store.head("k")).etag == second


async def test_what_is_missing_is_said_to_be_missing(store):
    for attempt in (store.get("no"), store.head("no"), store.get_if_changed("no", "x"), store.get("no", start=-5)):
        with pytest.raises(ObjectMissing) as error:
            await attempt
        assert error.value.key == "no"
    with pytest.raises(ObjectMissing):
        await store.copy("no", "target")


@pytest.mark.parametrize(
    ("start", "length", "body", "begins"),
    [
        (0, None, b"0123456789", 0),
        (3, None, b"3456789", 3),
        (3, 4, b"3456", 3),
        (0, 2, b"01", 0),
        (8, 100, b"89", 8),
        (-4, None, b"6789", 6),
        (-4, 2, b"67", 6),
        (-10, None, b"0123456789", 0),
        (-99, None, b"0123456789", 0),
        (-99, 3, b"012", 0),
        (3, 0, b"", 3),
        (10, None, b"", 10),
        (99, None, b"", 10),
        (99, 5, b"", 10),
    ],
)
async def test_a_part_of_an_object_can_be_read(store, start, length, body, begins):
    etag = await store.put("k", b"0123456789", metadata={"agent": "1"})
    found = await store.get("k", start=start, length=length)
    assert (found.body, found.start, found.size, found.etag) == (body, begins, 10, etag)
    assert dict(found.metadata) == {"agent": "1"}


@pytest.mark.parametrize(("start", "length"), [(0, None), (5, None), (-5, None), (0, 10), (0, 0)])
async def test_an_empty_object_reads_as_empty_from_anywhere(store, start, length):
    etag = await store.put("k", b"")
    found = await store.get("k", start=start, length=length)
    assert (found.body, found.size, found.start, found.etag) == (b"", 0, 0, etag)


async def test_an_unchanged_object_is_not_sent_again(store):
    etag = await store.put("k", b"one")
    assert await store.get_if_changed("k", etag) is None
    assert await store.get_if_changed("k", etag, start=2) is None
    assert await store.get_if_changed("k", etag, start=99) is None
    new = await store.put("k", b"one and two")
    found = await store.get_if_changed("k", etag)
    assert found is not None
    assert (found.body, found.etag) == (b"one and two", new)


async def test_the_tail_of_a_changed_object_can_be_read(store):
    etag = await store.put("k", b"one\n")
    await store.put("k", b"one\ntwo\n")
    for start, body in ((4, b"two\n"), (-4, b"two\n"), (8, b""), (99, b"")):
        found = await store.get_if_changed("k", etag, start=start)
        assert found is not None
        assert (found.body, found.size) == (body, 8)


async def test_an_empty_etag_matches_nothing(store):
    await store.put("k", b"one")
    found = await store.get_if_changed("k", "")
    assert found is not None
    assert found.body == b"one"
    with pytest.raises(ObjectChanged):
        await store.replace("k", b"two", "")


async def test_create_writes_only_where_nothing_is(store):
    etag = await store.create("k", b"first")
    with pytest.raises(ObjectChanged) as error:
        await store.create("k", b"second")
    assert error.value.key == "k"
    with pytest.raises(ObjectChanged):
        await store.create("k", b"first")
    found = await store.get("k")
    assert (found.body, found.etag) == (b"first", etag)


async def test_create_works_again_after_a_delete(store):
    await store.create("k", b"first")
    await store.delete(["k"])
    await store.create("k", b"second")
    assert (await store.get("k")).body == b"second"


async def test_replace_writes_only_over_what_was_read(store):
    first = await store.put("k", b"one")
    second = await store.replace("k", b"two", first)
    with pytest.raises(ObjectChanged):
        await store.replace("k", b"three", first)
    assert (await store.get("k")).body == b"two"
    await store.delete(["k"])
    with pytest.raises(ObjectChanged):
        await store.replace("k", b"four", second)
    assert (await store.list("k")).objects == ()


async def test_of_sixteen_who_create_one_wins(store):
    async def attempt(number: int) -> bool:
        try:
            await store.create("claim", b"the same body for all")
        except ObjectChanged:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt(n) for n in range(16)))) == 1


async def test_sixteen_who_append_by_compare_and_swap_lose_nothing(store):
    await store.put("shared", b"")

    async def append(number: int) -> None:
        while True:
            found = await store.get("shared")
            try:
                await store.replace("shared", found.body + f"{number}\n".encode(), found.etag)
            except ObjectChanged:
                await asyncio.sleep(0)
            else:
                return

    async with asyncio.timeout(60):
        await asyncio.gather(*(append(n) for n in range(16)))
    lines = (await store.get("shared")).body.decode().split()
    assert sorted(lines, key=int) == [str(n) for n in range(16)]


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_any_key_works(store, key):
    etag = await store.create(key, b"body")
    assert (await store.get(key)).body == b"body"
    assert (await store.head(key)).key == key
    await store.replace(key, b"newer", etag)
    assert [found.key for found in (await store.list("output/")).objects] == [key]
    await store.copy(key, f"{key}.copy")
    assert (await store.get(f"{key}.copy")).body == b"newer"
    await store.delete([key, f"{key}.copy"])
    assert (await store.list("output/")).objects == ()


async def test_a_key_may_stand_beside_a_folder_of_its_name(store):
    await store.put("output/a", b"file")
    await store.put("output/a/b", b"inside")
    assert (await store.get("output/a")).body == b"file"
    assert (await store.get("output/a/b")).body == b"inside"


async def test_a_listing_is_in_byte_order_and_of_the_prefix_only(store):
    names = ["a", "B", "é", "z", "\ufffd", "😀", "a/b", "a b", "a-b"]
    for name in names:
        await store.put(f"output/{name}", name.encode())
    await store.put("outputs", b"")
    await store.put("outpu", b"")
    page = await store.list("output/")
    assert [found.key for found in page.objects] == sorted((f"output/{name}" for name in names), key=str.encode)
    assert not page.more
    first = page.objects[0]
    assert (first.size, first.etag) == (1, (await store.head(first.key)).etag)
    assert first.modified.tzinfo is not None


async def test_a_listing_goes_on_behind_the_last_key(store):
    for n in range(5):
        await store.put(f"output/{n}", b"")
    page = await store.list("output/", limit=2)
    assert [found.key for found in page.objects] == ["output/0", "output/1"]
    assert page.more
    page = await store.list("output/", after="output/1", limit=3)
    assert [found.key for found in page.objects] == ["output/2", "output/3", "output/4"]
    assert not page.more
    page = await store.list("output/", after="output/2~")
    assert [found.key for found in page.objects] == ["output/3", "output/4"]
    assert (await store.list("nothing/")).objects == ()


async def test_more_than_a_thousand_objects_are_listed_and_deleted(world, store):
    if world.kind == "moto":  # which takes 60 ms for each event
        world.clients.s3.put_bucket_notification_configuration(Bucket=world.bucket, NotificationConfiguration={})
    keys = [f"output/{n:04}" for n in range(1005)]
    for begin in range(0, len(keys), 50):
        await asyncio.gather(*(store.put(key, b"") for key in keys[begin : begin + 50]))
    first = await store.list("output/")
    assert (len(first.objects), first.more) == (1000, True)
    rest = await store.list("output/", after=first.objects[-1].key)
    assert [found.key for found in (*first.objects, *rest.objects)] == keys
    assert not rest.more
    await store.delete(keys)
    assert (await store.list("")).objects == ()


async def test_deleting_what_is_not_there_is_no_error(store):
    await store.put("k", b"")
    await store.delete([])
    await store.delete(["no"])
    await store.delete(["no", "k", "neither"])
    assert (await store.list("")).objects == ()


async def test_a_copy_is_the_same_object(store):
    etag = await store.create("a b/ä", b"body", content_type="text/plain", metadata={"agent": "2"})
    await store.put("target", b"was here")
    await store.copy("a b/ä", "target")
    found = await store.get("target")
    assert (found.body, found.etag, found.content_type, dict(found.metadata)) == (
        b"body",
        etag,
        "text/plain",
        {"agent": "2"},
    )


async def test_five_megabytes_of_binary_come_back_unchanged(store):
    body = bytes(range(256)) * (5 * 4096)
    await store.put("output/blob", body)
    assert (await store.get("output/blob")).body == body
    assert (await store.get("output/blob", start=-10)).body == body[-10:]
