"""The embedded endpoint as a process: what it keeps, whom it lets in, and when it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from murmur.aws.adapters import Adapters, open_adapters
from murmur.errors import Unavailable
from murmur.local.endpoint import Endpoint
from murmur.local.provision import provision
from murmur.settings import Settings

SETTINGS = Settings(bucket="kept-bucket")


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Endpoint]:
    """An endpoint that this test may kill."""
    endpoint = Endpoint(tmp_path / "home")
    await endpoint.start()
    yield endpoint
    await endpoint.stop()


async def opened(endpoint: Endpoint) -> Adapters:
    adapters = open_adapters(SETTINGS, endpoint.environment)
    await provision(SETTINGS, adapters.clients)
    return adapters


async def ended(pid: int) -> None:
    async with asyncio.timeout(20):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)


async def test_objects_survive_kill_9(own: Endpoint):
    adapters = await opened(own)
    bodies = {"store/agent-0.ndjson": b"one\n", "output/ä b.md": b"# text", "output/blob": bytes(range(256)) * 4096}
    etags = {key: await adapters.store.create(key, body, metadata={"agent": "4"}) for key, body in bodies.items()}
    etags["store/agent-0.ndjson"] = await adapters.store.replace(
        "store/agent-0.ndjson", b"one\ntwo\n", etags["store/agent-0.ndjson"], metadata={"agent": "4"}
    )
    await adapters.store.put("output/gone", b"")
    await adapters.store.delete(["output/gone"])
    address, pid = own.url, own.pid
    os.kill(pid, signal.SIGKILL)
    assert await own.wait() == -signal.SIGKILL

    await own.start()
    assert own.url == address
    assert own.pid != pid
    again = await opened(own)
    listed = (await again.store.list("")).objects
    assert {found.key: found.etag for found in listed} == etags
    for key, body in (bodies | {"store/agent-0.ndjson": b"one\ntwo\n"}).items():
        found = await again.store.get(key)
        assert (found.body, found.etag, dict(found.metadata)) == (body, etags[key], {"agent": "4"})
    await again.store.replace("store/agent-0.ndjson", b"one\ntwo\nthree\n", etags["store/agent-0.ndjson"])
    for each in (adapters, again):
        each.close()


async def test_objects_are_plain_files(own: Endpoint):
    adapters = await opened(own)
    await adapters.store.put("output/report one.md", b"# Report\n")
    files = list(own.home.rglob("report one.md"))
    assert [path.read_bytes() for path in files] == [b"# Report\n"]
    adapters.close()


async def test_writers_that_were_cut_off_by_kill_9_leave_whole_objects(own: Endpoint):
    """Eight writers replace their objects as fast as they can until the kill: each is one of those it wrote."""
    adapters = await opened(own)
    bodies: list[list[bytes]] = [[] for _ in range(8)]

    async def write(number: int) -> None:
        for version in range(100_000):
            bodies[number].append(f"{number} {version} ".encode() * (1 + version % 4000))
            await adapters.store.put(f"output/{number}", bodies[number][-1])

    writers = [asyncio.create_task(write(n)) for n in range(8)]
    async with asyncio.timeout(60):
        while min(len(versions) for versions in bodies) < 20:
            await asyncio.sleep(0.01)
    os.kill(own.pid, signal.SIGKILL)
    await own.wait()
    for writer in writers:
        writer.cancel()
    results = await asyncio.gather(*writers, return_exceptions=True)
    assert all(isinstance(result, (asyncio.CancelledError, Unavailable)) for result in results)
    await own.start()
    again = await opened(own)
    for number in range(8):
        found = await again.store.get(f"output/{number}")
        assert found.body in bodies[number][-2:], "neither the last one answered nor the one under way"
        assert found.size == len(found.body)
        assert found.etag == await again.store.put(f"output/same-{number}", found.body)
    assert not list(own.home.rglob("*.tmp"))
    for each in (adapters, again):
        each.close()


async def test_it_listens_on_loopback_only(own: Endpoint):
    connections = psutil.Process(own.pid).net_connections(kind="inet")
    listening = {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", int(own.url.rpartition(":")[2]))}


async def test_a_clean_stop_keeps_objects_and_ends_waiting_polls_at_once(own: Endpoint):
    adapters = await opened(own)
    await adapters.store.put("k", b"kept")
    inbox = adapters.fabric.inbox("r", 0)
    inbox.queue = "murmur-changes"
    waiting = asyncio.create_task(inbox.receive(20))
    await asyncio.sleep(0.5)
    pid = own.pid
    begun = time.monotonic()
    await own.stop()
    assert time.monotonic() - begun < 10
    assert not psutil.pid_exists(pid)
    with pytest.raises(Unavailable):  # the poll was answered with nothing, the next one finds nobody
        await waiting
    assert own.pid is None
    await own.stop()
    await own.start()
    assert (await adapters.store.get("k")).body == b"kept"
    adapters.close()


PARENT = """
import sys, time
from pathlib import Path
from murmur.local.endpoint import Endpoint
endpoint = Endpoint(Path(sys.argv[1]))
endpoint.start_blocking()
print(endpoint.pid, flush=True)
time.sleep(60)
"""


async def test_it_ends_when_its_parent_is_killed(tmp_path: Path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd())
    child = int(await asyncio.to_thread(parent.stdout.readline))
    assert psutil.pid_exists(child)
    parent.kill()
    await asyncio.to_thread(parent.wait)
    parent.stdout.close()
    await ended(child)
    own = Endpoint(tmp_path)
    await own.start()  # and the folder is free again
    await own.stop()


DEAF = """
import threading
from types import SimpleNamespace
from murmur.local.endpoint import server
server.HASTE_SECONDS = 0.1
server._stop_with_parent(SimpleNamespace(should_exit=False))
threading.Event().wait()
"""


async def test_a_server_that_does_not_stop_although_its_parent_is_gone_is_ended():
    deaf = await asyncio.create_subprocess_exec(sys.executable, "-c", DEAF, stdin=asyncio.subprocess.PIPE)
    deaf.stdin.close()
    async with asyncio.timeout(30):
        assert await deaf.wait() == 1


async def test_a_second_one_on_the_same_folder_is_refused(own: Endpoint):
    with pytest.raises(Unavailable, match="Another endpoint already uses") as error:
        await Endpoint(own.home).start()
    assert str(own.home) in error.value.message
    assert own.pid is not None


async def test_a_start_that_takes_too_long_says_so(tmp_path: Path):
    endpoint = Endpoint(tmp_path, ready_seconds=0.0)
    with pytest.raises(Unavailable, match="did not become ready in time"):
        await endpoint.start()
    assert endpoint.pid is None
    with pytest.raises(Unavailable):
        _ = endpoint.url


async def test_a_taken_port_is_no_hindrance(own: Endpoint):
    adapters = await opened(own)
    await adapters.store.put("k", b"kept")
    adapters.close()
    port = int(own.url.rpartition(":")[2])
    await own.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        await own.start()
        assert int(own.url.rpartition(":")[2]) != port
        again = open_adapters(SETTINGS, own.environment)
        assert (await again.store.get("k")).body == b"kept"
        again.close()


def asked(endpoint: Endpoint, headers: dict[str, str], path: str = "/kept-bucket") -> tuple[int, str]:
    request = urllib.request.Request(endpoint.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["__type"]


def signed(endpoint: Endpoint, service: str = "s3") -> dict[str, str]:
    key = endpoint.environment["AWS_ACCESS_KEY_ID"]
    scope = f"{key}/20261123/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


async def test_strangers_and_browsers_are_refused(endpoint: Endpoint):
    admitted = signed(endpoint)
    assert asked(endpoint, admitted, "/")[0] == 200
    wrong_key = {"Authorization": admitted["Authorization"].replace("Credential=", "Credential=X")}
    for headers, code in (
        ({}, "InvalidClientTokenId"),
        (wrong_key, "InvalidClientTokenId"),
        (admitted | {"Origin": "http://evil.example"}, "AccessDenied"),
        (admitted | {"Sec-Fetch-Site": "cross-site"}, "AccessDenied"),
        (admitted | {"Host": "evil.example"}, "AccessDenied"),
        (admitted | {"Host": "127.0.0.1:1"}, "AccessDenied"),
    ):
        for path in ("/", "/_ministack/health", "/_ministack/reset"):
            assert asked(endpoint, headers, path) == (403, code)


async def test_a_service_it_does_not_offer_is_refused_at_once(endpoint: Endpoint):
    assert asked(endpoint, signed(endpoint, "servicequotas")) == (400, "UnknownOperationException")


async def test_its_changes_to_ministack_are_in_force(endpoint: Endpoint):
    """Raising MiniStack's version without looking at them again would be heard of here."""
    assert "it runs" not in endpoint.log.read_text()
