"""Reading: logs, files, history, queues, tickets; and many requests at once."""

import asyncio
import io
import json
import zipfile

import pytest

from functions.api.render import render
from murmur import keys
from murmur.config import FlockConfig
from murmur.logs import LogReader
from murmur.memory.inbox import MAX_RECEIVES
from murmur.pattern import wiring_for
from murmur.services import Limits
from tests.unit.api_twins import RUN, entry, flock


async def read_log(world, agent, **query):
    answer = await world.call(
        "GET", f"/cluster/agents/{agent}/log", {name: str(value) for name, value in query.items()}
    )
    assert answer.status == 200, answer.body
    return answer.json


async def read_all(world, agent, limit):
    found, after, more, bad = [], -1, True, 0
    while more:
        page = await read_log(world, agent, after=after, limit=limit)
        found += [one["iteration"] for one in page["entries"]]
        more, after = page["more"], found[-1] if found else -1
        bad += page["bad_lines"]
    return found


@pytest.mark.parametrize("rolls", [0, 1, 5])
async def test_a_log_is_read_whole_page_by_page_across_its_parts(rolls):
    world = flock()
    total = 900
    entries = [entry(n, action="ü" * (n % 150)) for n in range(total)]
    cut = [total * (part + 1) // (rolls + 1) for part in range(rolls)]
    begin = 0
    for number, end in enumerate(cut, 1):
        await world.store.put(keys.segment(3, number), b"".join(one.to_line() for one in entries[begin:end]))
        begin = end
    await world.log(3, *entries[max(0, begin - 2) :])  # a crash while rolling leaves lines in both parts
    assert await read_all(world, 3, 70) == list(range(total))
    for after in (0, 149, 450, 898, 899, 5000):
        page = await read_log(world, 3, after=after, limit=5)
        assert [one["iteration"] for one in page["entries"]] == list(range(after + 1, min(total, after + 6)))
    newest = await read_log(world, 3, newest="true", limit=4)
    assert [one["iteration"] for one in newest["entries"]] == [896, 897, 898, 899]


async def test_broken_lines_are_counted_and_lose_nothing():
    world = flock()
    lines = [
        entry(0).to_line(),
        b"{broken\n",
        b"\xff\xfe\n",
        b"[1]\n",
        entry(1).to_line(),
        b'{"ts":1}\n',
        entry(2).to_line()[:-1],
    ]
    await world.store.put(keys.log(0), b"".join(lines))
    page = await read_log(world, 0)
    assert [one["iteration"] for one in page["entries"]] == [0, 1, 2]
    assert page["bad_lines"] == 4
    status = (await world.call("GET", "/cluster/status")).json
    assert (status["agents"][0]["last"]["iteration"], status["agents"][0]["previous"]["iteration"]) == (2, 1)


async def test_reading_the_end_of_a_log_costs_the_same_whatever_its_length():
    world = flock()
    read: list[int] = []
    get = world.store.get

    async def counting(key: str, **how):
        found = await get(key, **how)
        read.append(len(found.body))
        return found

    world.store.get = counting
    costs = []
    for length in (200, 5000):
        await world.store.put(keys.log(0), b"".join(entry(n).to_line() for n in range(length)))
        read.clear()
        page = await LogReader(world.store).newest(0, 2)
        assert [one.iteration for one in page.entries] == [length - 2, length - 1]
        costs.append(sum(read))
    assert costs[1] <= costs[0] * 1.1


async def test_an_entry_larger_than_the_first_look_is_still_found():
    world = flock()
    await world.log(0, entry(0), entry(1, files=[f"output/{n:05d}.md" for n in range(4000)]))
    page = await read_log(world, 0, newest="true", limit=2)
    assert [one["iteration"] for one in page["entries"]] == [0, 1]


async def test_unknown_fields_of_an_entry_are_passed_on():
    world = flock()
    await world.log(0, entry(0, mood="curious"))
    assert (await read_log(world, 0))["entries"][0]["mood"] == "curious"


async def test_a_log_left_by_a_larger_flock_can_still_be_read():
    world = flock()
    await world.log(12, entry(0))
    assert len((await read_log(world, 12))["entries"]) == 1
    assert (await world.call("GET", "/cluster/agents/11/log")).status == 404


NAMES = [
    "plain.md",
    "with space, and comma.txt",
    "ünïcode-日本-🐝.json",
    "deep/er/still.csv",
    "no-ending",
    'quote";%.html',
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_comes_back_byte_for_byte_under_its_name(name):
    world = flock()
    body = bytes(range(256)) * 3
    put = await world.call("PUT", "/cluster/knowledge", {"key": name}, raw=body)
    assert put.json["key"] == f"knowledge-base/{name}"
    for key in (name, f"knowledge-base/{name}"):
        answer = await world.call("GET", "/cluster/knowledge/file", {"key": key, "download": "1"})
        assert answer.body == body
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert answer.headers["Content-Disposition"].isascii()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    listed = (await world.call("GET", "/cluster/knowledge")).json
    assert [one["key"] for one in listed["files"]] == [f"knowledge-base/{name}"]
    for _ in range(2):
        assert (await world.call("DELETE", "/cluster/knowledge", {"key": name})).status == 200
    assert (await world.call("GET", "/cluster/knowledge/file", {"key": name})).status == 404


async def test_a_json_file_is_not_encoded_again():
    world = flock()
    await world.store.put("output/a.json", b'{ "a" : 1 }')
    answer = await world.call("GET", "/cluster/habitat/file", {"key": "output/a.json"})
    assert (answer.body, answer.headers["Content-Type"]) == (b'{ "a" : 1 }', "application/json")


async def test_large_files_come_in_parts():
    world = flock(limits=Limits(response=1000))
    await world.store.put("output/large.bin", bytes(5000))
    answer = await world.call("GET", "/cluster/habitat/file", {"key": "output/large.bin"})
    assert answer.status == 413
    assert "offset" in answer.json["remedy"]
    part = await world.call(
        "GET", "/cluster/habitat/file", {"key": "output/large.bin", "offset": "4500", "length": "1000"}
    )
    assert (len(part.body), part.headers["Murmur-Size"]) == (500, "5000")


async def test_the_listing_is_paged_and_says_who_wrote_what():
    world = flock()
    for n in range(7):
        await world.store.put(f"output/{n}.md", b"x")
    await world.log(1, entry(0, files=["output/3.md"]), entry(1, files=["output/4.md"], ts="2026-11-23T05:40:00.000Z"))
    await world.log(2, entry(0, files=["output/4.md"]))
    found, after, more = [], "", True
    while more:
        page = (await world.call("GET", "/cluster/habitat", {"limit": "3", "after": after})).json
        found += page["files"]
        more, after = page["more"], page["after"]
    assert [one["key"] for one in found] == [f"output/{n}.md" for n in range(7)]
    assert [(one["agent"], one["iteration"]) for one in found[2:5]] == [(None, None), (1, 0), (1, 1)]


async def test_the_archive_holds_every_file_below_one_folder():
    world = flock()
    await world.store.put("output/a.md", b"A")
    await world.store.put("output/ü/b.bin", bytes(range(256)))
    await world.store.put("output/../../etc/x", b"foreign")
    answer = await world.call("GET", "/cluster/habitat.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["__/__/etc/x", "a.md", "ü/b.bin"]
        assert archive.read("ü/b.bin") == bytes(range(256))


async def test_an_empty_archive_and_one_too_large():
    world = flock(limits=Limits(response=1000))
    with zipfile.ZipFile(io.BytesIO((await world.call("GET", "/cluster/habitat.zip")).body)) as archive:
        assert archive.namelist() == []
    await world.store.put("output/a", bytes(1001))
    answer = await world.call("GET", "/cluster/habitat.zip")
    assert answer.status == 413
    assert "1,000" in answer.json["message"]


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "![x](javascript:alert(1))",
    '[x](https://e.example "onmouseover=alert(1)")',
    "<a href='javascript:alert(1)'>x</a>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src='https://evil.example'></iframe>",
    "<style>*{display:none}</style>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<https://e.example/"onmouseover=alert(1)>',
    "```html\n<script>alert(1)</script>\n```",
    "`<script>`",
    "<!--><script>alert(1)</script>",
    "[a]: javascript:alert(1)\n\n[a]",
    "|<script>|\n|---|\n|<img onerror=x>|",
    "[" * 2000,
    ">" * 2000,
    "*_" * 2000,
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_markdown_cannot_do_anything(text):
    world = flock()
    await world.store.put("output/x.md", f"# Title\n\n{text}\n".encode())
    answer = await world.call("GET", "/cluster/habitat/file", {"key": "output/x.md", "rendered": "html"})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    html = answer.body.decode().lower()
    assert "<h1>title</h1>" in html
    live = html.replace("&lt;", "").replace("&quot;", "")
    for tag in ("<script", "<img src=x", "<iframe", "<style", "<svg", "<math", "<!--"):
        assert tag not in live
    for scheme in ("javascript:", "data:", "vbscript:"):
        assert f'href="{scheme}' not in live
        assert f'src="{scheme}' not in live
    assert not any(
        " on" in tag.partition(">")[0] and "title=" not in tag.partition(">")[0] for tag in live.split("<")[1:]
    )


def test_ordinary_markdown_is_rendered():
    html = render("# T\n\n- a\n- **b** [l](https://e.example)\n\n|x|y|\n|--|--|\n|1|2|\n\n```py\nx = 1\n```\n")
    for part in (
        "<h1>T</h1>",
        "<li>a</li>",
        "<strong>b</strong>",
        "<table>",
        "<td>1</td>",
        '<code class="language-py">',
        'rel="noopener noreferrer nofollow"',
    ):
        assert part in html


async def test_history_lists_runs_newest_first_and_reads_them():
    world = flock()
    for run, count in (("20261101T000000Z", 3), ("20261102T000000Z", 5)):
        for agent in (0, 1):
            await world.store.put(
                keys.history(run, keys.log(agent)), b"".join(entry(n).to_line() for n in range(count))
            )
        await world.store.put(keys.history(run, "output/a.md"), run.encode())
    runs = (await world.call("GET", "/cluster/history")).json["runs"]
    unknown = {"ended": "", "reason": "", "direction": ""}
    assert runs == [
        {"run": run, "started": started, "entries": entries, "files": 1, "agents": 2, **unknown}
        for run, started, entries in (
            ("20261102T000000Z", "2026-11-02T00:00:00.000Z", 10),
            ("20261101T000000Z", "2026-11-01T00:00:00.000Z", 6),
        )
    ]
    page = await world.call("GET", "/cluster/history", {"limit": "1"})
    assert (len(page.json["runs"]), page.json["more"]) == (1, True)
    one = (await world.call("GET", "/cluster/history/20261101T000000Z")).json
    assert one["agents"] == [{"id": 0, "entries": 3}, {"id": 1, "entries": 3}]
    assert [file["key"] for file in one["files"]] == ["output/a.md"]
    log = (await world.call("GET", "/cluster/history/20261101T000000Z/agents/1/log", {"after": "0"})).json
    assert [e["iteration"] for e in log["entries"]] == [1, 2]
    file = await world.call("GET", "/cluster/history/20261101T000000Z/file", {"key": "output/a.md"})
    assert file.body == b"20261101T000000Z"
    assert (await world.call("GET", "/cluster/history/20261103T000000Z")).status == 404


async def wired(world, size=4):
    config = FlockConfig(concurrency=size)
    await world.store.put(keys.CONFIG, config.to_json())
    for agent in range(size):
        await world.fabric.wire(RUN, agent, wiring_for("flock", config, agent))
    await world.be("running")
    return world


async def test_queues_show_the_ring_and_what_waits():
    world = await wired(flock())
    await world.log(1, entry(0))
    queues = (await world.call("GET", "/cluster/queues")).json["queues"]
    assert [queue["agent"] for queue in queues] == [0, 1, 2, 3]
    assert keys.log(1) in json.dumps(queues[0]["pattern"])
    assert [queue["inbox"]["visible"] for queue in queues] == [2, 1, 2, 1]  # control.json reached everyone
    detail = (await world.call("GET", "/cluster/queues/2")).json
    assert detail["deliveries"] == []
    assert (await world.call("GET", "/cluster/queues/9")).status == 404


async def test_peeking_shows_messages_and_puts_them_straight_back():
    world = await wired(flock())
    await world.log(1, entry(0))
    for receives in (1, 2):
        peeked = (await world.call("POST", "/cluster/queues/0/peek")).json
        assert {message["receives"] for message in peeked["messages"]} == {receives}
        assert "receive" in peeked["note"]
    assert (await world.fabric.inbox(RUN, 0).depth()).visible == 2
    assert (await world.call("POST", "/cluster/queues/9/peek")).status == 404
    await world.be("stopped")
    assert (await world.call("POST", "/cluster/queues/0/peek")).status == 409


async def test_dead_letters_go_back_and_a_purge_says_what_it_threw_away():
    world = await wired(flock())
    inbox = world.fabric.inbox(RUN, 0)
    await inbox.purge()
    await world.log(1, entry(0))
    for _ in range(MAX_RECEIVES):
        await inbox.extend(await inbox.receive(0), 0)
    assert await inbox.receive(0) == []
    listed = (await world.call("GET", "/cluster/queues")).json
    assert (listed["dead_letters"], listed["queues"][0]["inbox"]["dead"]) == (1, 1)
    assert (await world.call("POST", "/cluster/queues/0/redrive", body={})).json == {"agent": 0, "moved": 1}
    assert (await world.call("POST", "/cluster/queues/0/redrive")).json == {"agent": 0, "moved": 0}
    assert (await world.call("POST", "/cluster/queues/0/purge")).json == {"agent": 0, "messages": 1}
    assert (await inbox.depth()).visible == 0
    for act in ("redrive", "purge"):
        assert (await world.call("POST", f"/cluster/queues/9/{act}")).status == 404
        assert (await world.call("GET", f"/cluster/queues/0/{act}")).status == 405
    await world.be("stopped")
    for act in ("redrive", "purge"):
        assert (await world.call("POST", f"/cluster/queues/0/{act}")).status == 409


async def test_a_ticket_is_good_once_from_where_it_was_asked_for():
    world = flock()
    first = (await world.call("POST", "/cluster/ticket")).json
    assert first["expires_seconds"] == 30
    book = world.services.tickets
    assert await book.redeem(first["ticket"], "127.0.0.1")
    assert not await book.redeem(first["ticket"], "127.0.0.1")
    second = (await world.call("POST", "/cluster/ticket")).json["ticket"]
    assert not await book.redeem(second, "10.0.0.1")
    assert not await book.redeem("", "127.0.0.1")


async def test_requests_that_overlap_do_not_mix():
    world = flock()
    for n in range(20):
        await world.store.put(f"output/{n}", str(n).encode() * 50)

    get = world.store.get

    async def slow(key: str, **how):
        await asyncio.sleep(0.001 * (hash(key) % 5))
        return await get(key, **how)

    world.store.get = slow
    answers = await asyncio.gather(
        *(world.call("GET", "/cluster/habitat/file", {"key": f"output/{n % 20}"}) for n in range(100)),
        *(world.call("GET", f"/cluster/agents/{n % 12}/log") for n in range(60)),
    )
    for n, answer in enumerate(answers[:100]):
        assert answer.body == str(n % 20).encode() * 50
    for n, answer in enumerate(answers[100:]):
        assert answer.status == (200 if n % 12 < 8 else 404)
        if answer.status == 200:
            assert answer.json["agent"] == n % 12
