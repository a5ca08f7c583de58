"""The tool server: a token reaches one desk, in both protocol eras, and errors are words."""

import asyncio
import json
import logging

import httpx
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from agent.tools.catalogue import SPECS
from agent.tools.desk import WRITE_LIMIT_BYTES, Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore

HEADERS = {"Accept": "application/json, text/event-stream"}
MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture
async def server():
    async with ToolServer() as running:
        yield running


@pytest.fixture
async def http():
    async with httpx.AsyncClient(headers=HEADERS, timeout=30) as client:
        yield client


def new_desk(store=None, agent=0):
    return Desk(store or MemoryStore(), agent, frozenset(), 0)


async def post(http, server, token, method, params=None, **headers):
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return await http.post(server.url, json=message, headers={"Authorization": f"Bearer {token}", **headers})


async def call(http, server, token, name, **arguments):
    answer = (await post(http, server, token, "tools/call", {"name": name, "arguments": arguments})).json()["result"]
    return answer["content"][0]["text"], answer["isError"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer guess", "Basic x", "guess"])
async def test_an_unknown_token_is_401(server, http, authorization):
    server.open(new_desk())
    headers = {"Authorization": authorization} if authorization else {}
    assert (await http.post(server.url, json={}, headers=headers)).status_code == 401


async def test_a_closed_token_is_401_and_its_desk_is_closed(server, http):
    desk = new_desk()
    token = server.open(desk)
    assert (await post(http, server, token, "tools/list")).status_code == 200
    server.close(token)
    server.close(token)
    assert (await post(http, server, token, "tools/list")).status_code == 401
    with pytest.raises(Exception, match="turn has ended"):
        await desk.fs_list()


async def test_listing_marks_only_the_desk_of_its_token(server, http):
    one, two = new_desk(), new_desk()
    token, _ = server.open(one), server.open(two)
    tools = (await post(http, server, token, "tools/list")).json()["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["fs_read", "fs_write", "fs_list", "broadcast"]
    assert one.listed.is_set()
    assert one.contacted.is_set()
    assert not two.listed.is_set()
    assert not two.contacted.is_set()


async def test_a_modern_call_does_not_count_as_having_listed_the_tools(server, http):
    desk = new_desk()
    token = server.open(desk)
    version = {"Mcp-Protocol-Version": MODERN}
    params = {"name": "fs_list", "arguments": {"prefix": "output/"}, "_meta": META}
    headers = {**version, "Mcp-Method": "tools/call", "Mcp-Name": "fs_list"}
    answer = await post(http, server, token, "tools/call", params, **headers)
    assert answer.json()["result"]["isError"] is False
    assert not desk.listed.is_set()
    await post(http, server, token, "tools/list", {"_meta": META}, **version, **{"Mcp-Method": "tools/list"})
    assert desk.listed.is_set()


@pytest.mark.parametrize("era", ["legacy", MODERN])
async def test_a_real_client_of_either_era_works_at_the_desk(server, era):
    desk = new_desk()
    headers = {"Authorization": f"Bearer {server.open(desk)}"}
    async with (
        create_mcp_http_client(headers=headers) as http,
        Client(streamable_http_client(server.url, http_client=http), mode=era) as client,
    ):
        assert len((await client.list_tools()).tools) == 4
        await client.call_tool("fs_write", {"path": "output/ü.md", "content": "Grüße"})
        read = await client.call_tool("fs_read", {"path": "output/ü.md"})
        assert read.content[0].text == "Grüße"
        await client.call_tool("broadcast", {"action": "a", "result": "b", "next_intent": "c", "state": "idle"})
    assert desk.listed.is_set()
    assert desk.said.state == "idle"
    assert desk.files == ["output/ü.md"]


async def test_errors_reach_the_model_as_message_and_remedy(server, http):
    token = server.open(new_desk())
    text, failed = await call(http, server, token, "fs_read", path="output/none")
    assert failed
    assert "There is no object 'output/none'" in text
    assert "List the folder" in text


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("fs_read", {"path": ["x"]}, "fs_read takes path, offset, limit"),
        ("fs_read", {}, "path: Field required"),
        ("fs_write", {"path": "output/a", "content": "x", "mode": "smash"}, "'write', 'create' or 'append'"),
        ("fs_delete", {}, "There are fs_read, fs_write, fs_list, broadcast"),
    ],
)
async def test_wrong_calls_are_told_how_to_call(server, http, name, arguments, words):
    text, failed = await call(http, server, server.open(new_desk()), name, **arguments)
    assert failed
    assert words in text


async def test_an_unexpected_error_is_logged_and_its_text_kept_from_the_model(server, http, caplog):
    class Broken(MemoryStore):
        async def get(self, key, *, start=0, length=None):
            raise RuntimeError("the secret inside")

    token = server.open(new_desk(Broken()))
    with caplog.at_level(logging.ERROR, "agent.tools.server"):
        text, failed = await call(http, server, token, "fs_read", path="direction.md")
    assert failed
    assert "secret" not in text
    assert "the secret inside" in caplog.text


async def test_a_write_of_the_largest_size_fits_through(server, http):
    desk = new_desk()
    text, failed = await call(
        http, server, server.open(desk), "fs_write", path="output/a", content="ü" * (WRITE_LIMIT_BYTES // 2)
    )
    assert not failed, text


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
async def test_foreign_hosts_and_origins_are_turned_away(server, http, headers):
    token = server.open(new_desk())
    assert (await post(http, server, token, "tools/list", **headers)).status_code in (403, 421)


async def test_a_client_that_hangs_up_does_not_tear_a_write_from_its_record(server):
    gate = asyncio.Event()

    class Slow(MemoryStore):
        async def create(self, key, body, **options):
            etag = await super().create(key, body, **options)
            gate.set()
            await asyncio.sleep(0.2)
            return etag

    desk = new_desk(Slow())
    headers = {**HEADERS, "Authorization": f"Bearer {server.open(desk)}"}
    params = {"name": "fs_write", "arguments": {"path": "output/a", "content": "x"}}
    async with httpx.AsyncClient(headers=headers) as http:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        asking = asyncio.create_task(http.post(server.url, json=message))
        await gate.wait()
        asking.cancel()
        await asyncio.wait([asking])
    await desk.at_rest()
    assert desk.files == ["output/a"]


async def test_stopping_closes_every_desk_and_every_connection(http):
    server = ToolServer()
    await server.start()
    desk = new_desk()
    token = server.open(desk)
    await post(http, server, token, "tools/list")
    async with asyncio.timeout(10):
        await server.stop()
    await server.stop()
    with pytest.raises(httpx.ConnectError):
        await post(http, server, token, "tools/list")
    with pytest.raises(Exception, match="turn has ended"):
        await desk.fs_list()


def test_the_tools_have_the_agreed_names_and_parameters():
    parameters = {name: list(spec.schema()["properties"]) for name, spec in SPECS.items()}
    assert parameters == {
        "fs_read": ["path", "offset", "limit"],
        "fs_write": ["path", "content", "mode"],
        "fs_list": ["prefix", "after", "limit"],
        "broadcast": ["action", "result", "next_intent", "state"],
    }
    assert all(len(json.dumps(spec.schema())) < 2000 for spec in SPECS.values())
