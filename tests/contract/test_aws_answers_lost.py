"""A write whose answer got lost on the way: it happened or not, and the store must find out which."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from murmur.aws.adapters import Adapters, open_adapters
from murmur.errors import ObjectChanged, Unavailable
from murmur.local.provision import provision
from murmur.settings import Settings


class LosingProxy:
    """Passes requests on to ``port`` and loses as many answers to PUT requests as ``lose`` says."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.lose = 0
        self.lost = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))]
        if b"100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        up_writer.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]) + body)
        answer = await up_reader.read()
        up_writer.close()
        if head.startswith(b"PUT") and self.lose > 0:
            self.lose -= 1
            self.lost += 1
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()


@pytest.fixture
async def proxy(moto_environment) -> AsyncIterator[LosingProxy]:
    losing = LosingProxy(int(moto_environment["AWS_ENDPOINT_URL"].rpartition(":")[2]))
    yield losing
    await losing.stop()


@pytest.fixture
async def adapters(proxy, moto_environment) -> AsyncIterator[Adapters]:
    name = f"t{uuid4().hex[:10]}"
    settings = Settings(flock=name, bucket=f"{name}-bucket", bus=name)
    opened = open_adapters(settings, moto_environment | {"AWS_ENDPOINT_URL": await proxy.start()})
    await provision(settings, opened.clients)
    yield opened
    opened.close()


async def test_a_create_whose_answer_was_lost_is_no_conflict(adapters, proxy):
    proxy.lose = 1
    etag = await adapters.store.create("claim", b"mine", metadata={"agent": "1"})
    assert proxy.lost == 1
    found = await adapters.store.get("claim")
    assert (found.body, found.etag, dict(found.metadata)) == (b"mine", etag, {"agent": "1"})


async def test_a_replace_whose_answer_was_lost_is_no_conflict(adapters, proxy):
    first = await adapters.store.put("log", b"one\n")
    proxy.lose = 1
    second = await adapters.store.replace("log", b"one\ntwo\n", first)
    assert proxy.lost == 1
    assert (await adapters.store.head("log")).etag == second


async def test_somebody_elses_equal_body_is_still_a_conflict(adapters, proxy):
    await adapters.store.create("claim", b"taken")
    proxy.lose = 1
    with pytest.raises(ObjectChanged):
        await adapters.store.create("claim", b"taken")
    assert proxy.lost == 1


async def test_a_write_that_happened_is_found_even_if_every_answer_was_lost(adapters, proxy):
    proxy.lose = 100
    etag = await adapters.store.create("claim", b"mine")
    proxy.lose = 0
    assert proxy.lost > 1
    assert (await adapters.store.head("claim")).etag == etag


async def test_an_endpoint_that_is_gone_is_said_to_be_unavailable(adapters, proxy):
    await proxy.stop()
    for attempt in (
        adapters.store.get("k"),
        adapters.store.create("k", b""),
        adapters.fabric.inbox("r", 0).receive(1),
        adapters.fabric.runs(),
    ):
        with pytest.raises(Unavailable) as error:
            await attempt
        assert "127.0.0.1" in error.value.message
        assert "try again" in error.value.remedy
