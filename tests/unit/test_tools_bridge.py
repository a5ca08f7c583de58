"""The stdio bridge: a process of the standard library only that carries MCP to the tool server."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from agent.tools import bridge
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore

COMMAND = [sys.executable, "-I", str(Path(bridge.__file__))]


@pytest.fixture
async def server():
    async with ToolServer() as running:
        yield running


def new_desk():
    return Desk(MemoryStore(), 0, frozenset(), 0)


@asynccontextmanager
async def bridged(url, token):
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], bridge.URL_VARIABLE: url, bridge.TOKEN_VARIABLE: token},
    )
    try:
        yield process
    finally:
        process.stdin.close()
        async with asyncio.timeout(20):
            assert await process.wait() == 0


async def ask(process, line):
    process.stdin.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    await process.stdin.drain()
    async with asyncio.timeout(20):
        return json.loads(await process.stdout.readline())


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_real_stdio_client_of_either_era_works_through_the_bridge(server, era):
    desk = new_desk()
    environment = {bridge.URL_VARIABLE: server.url, bridge.TOKEN_VARIABLE: server.open(desk)}
    command = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment)
    async with Client(command, mode=era) as client:
        assert len((await client.list_tools()).tools) == 4
        text = "x" * 300_000 + "ü"
        await client.call_tool("fs_write", {"path": "output/ü", "content": text})
        await client.call_tool("broadcast", {"action": "a", "result": "b", "next_intent": "c"})
    assert desk.listed.is_set()
    assert desk.said is not None
    assert desk.files == ["output/ü"]


async def test_what_is_no_message_is_answered_with_an_error_and_the_bridge_goes_on(server):
    desk = new_desk()
    async with bridged(server.url, server.open(desk)) as process:
        assert (await ask(process, b"nonsense\n"))["error"]["code"] == -32700
        assert (await ask(process, b"[1]\n"))["error"]["code"] == -32600
        assert "result" in await ask(process, {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {}})


async def test_a_turn_that_has_ended_is_told_in_words(server):
    async with bridged(server.url, "unknown") as process:
        answer = await ask(process, {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {}})
    assert answer["id"] == 7
    assert "401" in answer["error"]["message"]


async def test_a_server_that_is_gone_is_told_in_words():
    async with bridged("http://127.0.0.1:9/mcp", "x") as process:
        answer = await ask(process, {"jsonrpc": "2.0", "id": "a", "method": "tools/list"})
    assert "does not answer" in answer["error"]["message"]


async def test_without_its_environment_it_says_what_is_missing():
    process = await asyncio.create_subprocess_exec(*COMMAND, stderr=asyncio.subprocess.PIPE, env={"PATH": os.defpath})
    _, stderr = await process.communicate()
    assert process.returncode == 2
    assert b"MURMUR_MCP_URL" in stderr
