"""The gateway over real loopback sockets: the API behind it, the dashboard's files, the live connection, and who is let in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import websockets

from murmur import keys
from murmur.clock import SystemClock
from murmur.errors import NotFound, Unavailable
from murmur.local.gateway import Gateway, LocalPublisher
from murmur.memory.fabric import event_of
from murmur.memory.inbox import MemoryInbox
from murmur.services import Limits
from tests.unit.api_twins import Flock, entry, flock

SMALL = Limits(json=10_000, upload=200_000)


@dataclass
class Running:
    world: Flock
    gateway: Gateway
    changes: MemoryInbox
    http: httpx.AsyncClient
    url: str

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    async def socket_url(self) -> str:
        ticket = (await self.http.post("/cluster/ticket")).json()["ticket"]
        return f"ws://{self.host}/live?ticket={ticket}"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path) as found:
        yield found


@contextlib.asynccontextmanager
async def serving(folder: Path, limits: Limits = SMALL, **more) -> AsyncIterator[Running]:
    web = folder / "web"
    web.mkdir()
    (web / "index.html").write_text("<!doctype html><title>Murmur</title>")
    (web / "app.js").write_text("export const a = 1;")
    (web / ".secret").write_text("no")
    (folder / "outside.txt").write_text("no")
    (web / "link.txt").symlink_to(folder / "outside.txt")
    world = flock(limits=limits)
    changes = MemoryInbox(SystemClock())
    world.store.listeners.append(lambda change: changes.push(event_of(change, "flock")))
    gateway = Gateway(world.services, web, more.pop("inbox", changes), **more)
    url = await gateway.start()
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            yield Running(world, gateway, changes, http, url)
    finally:
        await gateway.stop()


async def message(socket, kind: str) -> dict:
    async with asyncio.timeout(20):
        while True:
            found = json.loads(await socket.recv())
            if found["type"] == kind:
                return found


async def test_the_api_answers_at_its_own_paths(running):
    assert (await running.http.get("/cluster/status")).json()["state"] == "stopped"
    put = await running.http.put("/cluster/direction", json={"text": "Grüße 🐝"})
    assert put.json()["text"] == "Grüße 🐝"
    assert (await running.http.get("/openapi.json")).json()["openapi"].startswith("3.")
    for path in ("/cluster", "/cluster/", "/cluster/nope", "/cluster/nope/%F0%9F%90%9D"):
        answer = await running.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_route")
    assert (await running.http.delete("/cluster/status")).status_code == 405
    assert (await running.http.request("OPTIONS", "/cluster/status")).status_code == 405
    assert (
        await running.http.put("/cluster/config", content=b"{", headers={"content-type": "application/json"})
    ).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/cluster/agents/a%0Ab/directive", 404, "no_route"),
        ("GET", "/%0A", 404, "no_route"),
        ("TRACE", "/cluster/status", 405, "wrong_method"),
        ("BREW", "/", 405, "wrong_method"),
    ],
)
async def test_what_the_router_refuses_has_the_shape_of_all_errors(running, method, path, status, code):
    answer = await running.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["remedy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_files_pass_through_unharmed_whatever_their_name(running):
    body = bytes(range(256)) * 400
    for name in ("a b.bin", "ü,&=?#%+;日本🐝.bin", "x/y.bin"):
        put = await running.http.put("/cluster/knowledge", params={"key": name}, content=body)
        assert put.json()["key"] == f"knowledge-base/{name}"
        got = await running.http.get("/cluster/knowledge/file", params={"key": name})
        assert got.content == body
        assert got.headers["content-security-policy"].startswith("sandbox;")


async def test_bodies_over_the_limit_are_refused_and_the_client_hears_of_it(running):
    for headers, content in (({}, b"x" * 10_001), ({"transfer-encoding": "chunked"}, None)):

        async def chunks():
            for _ in range(20):
                yield b"y" * 1000

        answer = await running.http.put("/cluster/direction", content=content or chunks(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    big = await running.http.put("/cluster/knowledge", params={"key": "a"}, content=b"x" * 200_001)
    assert big.status_code == 413
    assert (
        await running.http.put("/cluster/knowledge", params={"key": "a"}, content=b"x" * 200_000)
    ).status_code == 200


async def test_a_query_with_endless_fields_is_refused(running):
    answer = await running.http.get("/cluster/status?" + "&".join(f"a{n}=1" for n in range(200)))
    assert answer.status_code == 400


async def test_the_dashboard_is_served_strictly_and_never_cached(running):
    page = await running.http.get("/")
    assert "<title>Murmur</title>" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert f"ws://{running.host}" in policy
    assert page.headers["cache-control"] == "no-store"
    script = await running.http.get("/app.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    for answer in (page, script, await running.http.get("/cluster/status")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/nope.js",
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/.secret",
        "/link.txt",
        "/%00",
        "//etc/passwd",
        "/web",
        "/a" * 600,
    ],
)
async def test_nothing_outside_the_dashboards_folder_is_served(running, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {running.host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
    assert not answer.endswith(b"no")


def headers_of(running, **changed):
    return {"host": running.host, **{name.replace("_", "-"): value for name, value in changed.items()}}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "a@127.0.0.1:{port}",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "",
        "127.0.0.1:{port}x",
        "169.254.169.254",
    ],
)
async def test_a_host_header_that_does_not_name_this_machine_is_refused(running, host):
    port = running.url.rpartition(":")[2]
    for path in ("/", "/cluster/status", "/openapi.json"):
        answer = await running.http.get(path, headers={"host": host.format(port=port)})
        assert answer.status_code == 403, path
        assert answer.json()["remedy"]


async def test_localhost_is_this_machine_too(running):
    host = f"localhost:{running.url.rpartition(':')[2]}"
    assert (
        await running.http.get("/cluster/status", headers={"host": host, "origin": f"http://{host}"})
    ).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://{host}",
        "http://localhost:1",
        "http://{host}.evil.example",
        "http://127.0.0.1",
        "",
    ],
)
async def test_another_origin_is_refused(running, origin):
    changed = headers_of(running, origin=origin.format(host=running.host))
    for method, path in (("GET", "/cluster/status"), ("POST", "/cluster/stop"), ("PUT", "/cluster/direction")):
        assert (await running.http.request(method, path, headers=changed)).status_code == 403


@pytest.mark.parametrize(
    ("site", "get", "post"),
    [("cross-site", 200, 403), ("same-site", 200, 403), ("same-origin", 200, 202), ("none", 200, 202)],
)
async def test_another_site_may_look_at_a_link_but_not_act(running, site, get, post):
    changed = headers_of(running, sec_fetch_site=site)
    assert (await running.http.get("/cluster/status", headers=changed)).status_code == get
    assert (await running.http.post("/cluster/stop", headers=changed)).status_code == post


async def test_an_append_reaches_an_open_dashboard(running):
    await running.world.be("running")
    async with websockets.connect(await running.socket_url(), proxy=None) as socket:
        await socket.send('{"type":"snapshot"}')
        snapshot = await message(socket, "snapshot")
        await running.world.log(2, entry(0))
        pushed = await message(socket, "entry")
        assert (pushed["agent"], pushed["entries"][0]["iteration"]) == (2, 0)
        await socket.send(json.dumps({"type": "resume", "cursor": snapshot["cursor"]}))
        assert (await message(socket, "entry"))["entries"][0]["iteration"] == 0
        await socket.send(b"\x00binary")
        assert (await message(socket, "error"))["remedy"]
        await socket.send('{"type":"ping"}')
        await message(socket, "pong")
    assert (await running.changes.depth()).visible == 0


async def test_a_socket_needs_a_fresh_ticket_and_the_right_origin(running):
    used = await running.socket_url()
    async with websockets.connect(used, proxy=None):
        pass
    attempts = [
        (used, {}),
        (f"ws://{running.host}/live", {}),
        (f"ws://{running.host}/live?ticket=guess", {}),
        (await running.socket_url(), {"origin": "http://evil.example"}),
        (await running.socket_url(), {"additional_headers": {"Sec-Fetch-Site": "cross-site"}}),
    ]
    for url, more in attempts:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url, proxy=None, **more)
        assert refused.value.response.status_code == 403
    async with websockets.connect(await running.socket_url(), proxy=None, origin=running.url) as socket:
        await socket.send('{"type":"ping"}')
        await message(socket, "pong")


async def test_a_message_too_large_ends_only_its_own_connection(running):
    async with (
        websockets.connect(await running.socket_url(), proxy=None) as loud,
        websockets.connect(await running.socket_url(), proxy=None) as calm,
    ):
        await loud.send("x" * 100_000)
        with pytest.raises(websockets.ConnectionClosed):
            async with asyncio.timeout(20):
                await loud.recv()
        await calm.send('{"type":"ping"}')
        await message(calm, "pong")


async def test_a_client_that_does_not_keep_up_is_dropped_and_the_others_go_on(tmp_path):
    publisher = LocalPublisher(waiting_bytes=300_000, send_seconds=20)
    async with (
        serving(tmp_path, publisher=publisher) as running,
        # One that never reads: its socket's buffers fill, then its line here, then it is dropped.
        websockets.connect(await running.socket_url(), proxy=None, max_queue=1, close_timeout=0.1) as slow,
        websockets.connect(await running.socket_url(), proxy=None) as quick,
    ):
        slow.transport.pause_reading()
        sent = 0
        while len(await publisher.connections()) == 2 and sent < 2000:
            for connection in await publisher.connections():
                await publisher.send(connection, json.dumps({"type": "noise", "n": sent, "x": "y" * 30_000}))
            assert (await message(quick, "noise"))["n"] == sent
            sent += 1
        assert len(await publisher.connections()) == 1
        await quick.send('{"type":"ping"}')
        await message(quick, "pong")


async def test_clients_that_vanish_in_the_middle_leave_no_fault_behind(running, caplog):
    await running.world.be("running")
    publisher = running.gateway._publisher
    for _ in range(10):
        socket = await websockets.connect(await running.socket_url(), proxy=None, close_timeout=0.1)
        await socket.send('{"type":"snapshot"}')
        (connection,) = await publisher.connections()
        for _ in range(20):
            await publisher.send(connection, "x" * 30_000)
        socket.transport.abort()
        async with asyncio.timeout(20):
            while await publisher.connections():
                await asyncio.sleep(0.005)
        await socket.close()
    await running.gateway.stop()
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


class Failing:
    """A queue that fails some times and then works."""

    def __init__(self, inner: MemoryInbox, errors: list[Exception]) -> None:
        self.inner, self.errors = inner, errors

    async def receive(self, wait_seconds: float, limit: int = 10):
        if self.errors:
            raise self.errors.pop()
        return await self.inner.receive(wait_seconds, limit)

    async def delete(self, messages):
        await self.inner.delete(messages)


async def test_a_dashboard_that_leaves_is_not_told_that_it_was_too_slow():
    publisher = LocalPublisher()
    sent: list[str] = []

    async def send(frame: str) -> None:
        sent.append(frame)

    async with publisher.attached("c", send) as broken:
        assert await publisher.send("c", "one")
        while not sent:
            await asyncio.sleep(0)
    assert not broken.is_set()
    assert not await publisher.send("c", "two")


async def test_changes_go_on_after_the_queue_failed(tmp_path):
    inner = MemoryInbox(SystemClock())
    inbox = Failing(inner, [Unavailable("away", "wait"), NotFound("gone", "make it")])
    async with serving(tmp_path, inbox=inbox) as running:
        running.world.store.listeners.append(lambda change: inner.push(event_of(change, "flock")))
        await running.world.be("running")
        inner.push("junk")
        async with websockets.connect(await running.socket_url(), proxy=None) as socket:
            await socket.send('{"type":"ping"}')
            await message(socket, "pong")
            await running.world.log(0, entry(0))
            assert (await message(socket, "entry"))["agent"] == 0
        assert inbox.errors == []


async def test_a_fault_in_one_batch_does_not_end_the_live_view(running):
    await running.world.be("running")
    async with websockets.connect(await running.socket_url(), proxy=None) as socket:
        await socket.send('{"type":"snapshot"}')
        await message(socket, "snapshot")
        get = running.world.store.get

        async def explode(*_args, **_more):
            running.world.store.get = get
            raise RuntimeError("a fault")

        running.world.store.get = explode
        await running.world.store.put(keys.DIRECTION, b"first")
        while running.world.store.get is explode:
            await asyncio.sleep(0.01)
        await running.world.store.put(keys.DIRECTION, b"second")
        assert (await message(socket, "direction"))["direction"]["text"] in ("first", "second")


async def test_stopping_ends_connections_and_frees_the_port(tmp_path):
    async with serving(tmp_path) as running:
        async with websockets.connect(await running.socket_url(), proxy=None) as socket:
            await running.gateway.stop()
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 20)
        await running.gateway.stop()
        port = int(running.url.rpartition(":")[2])
        other = Gateway(running.world.services, tmp_path / "web", running.changes)
        assert await other.start(port) == running.url
        third = Gateway(running.world.services, tmp_path / "web", running.changes)
        with pytest.raises(Unavailable, match=str(port)):
            await third.start(port)
        await third.stop()
        await other.stop()


async def test_many_requests_at_once_are_answered_each_with_its_own(running):
    for n in range(10):
        await running.world.store.put(f"output/{n}", str(n).encode())
    answers = await asyncio.gather(
        *(running.http.get("/cluster/habitat/file", params={"key": f"output/{n % 10}"}) for n in range(60))
    )
    assert [answer.text for answer in answers] == [str(n % 10) for n in range(60)]


async def test_the_page_is_told_that_nobody_signs_in_on_one_machine(running):
    answer = await running.http.get("/settings.json")
    assert answer.json() == {"live": None, "auth": None, "aws": False}
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await running.http.post("/settings.json")).status_code == 405
