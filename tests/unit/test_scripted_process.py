"""The scripted brain as a process: real ACP from the SDK's client, real MCP to the real tool server."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import acp
import pytest
from acp.schema import EnvVariable, HttpHeader, HttpMcpServer, McpServerStdio, SseMcpServer, TextContentBlock

from agent.brains.scripted.settings import THINK
from agent.runner.kinds import SCRIPTED
from agent.runner.mind import AcpMind
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore
from tests.unit.misbehaving.stage import SHORT, Latest

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "agent.brains.scripted")
PATIENCE_SECONDS = 60


class Listener:
    """The client's side: keeps what the agent reports."""

    def __init__(self) -> None:
        self.updates: list[Any] = []

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append(update)

    def on_connect(self, conn: Any) -> None:
        pass


class Stage:
    """A store, a tool server, and one warm agent process."""

    def __init__(self, agent: Any, process: asyncio.subprocess.Process, server: ToolServer, heard: Listener) -> None:
        self.agent = agent
        self.process = process
        self.server = server
        self.heard = heard
        self.store = MemoryStore()

    def desk(self, iteration: int = 0) -> tuple[Desk, HttpMcpServer]:
        desk = Desk(self.store, 1, frozenset({0, 2}), iteration)
        headers = [HttpHeader(name="Authorization", value=f"Bearer {self.server.open(desk)}")]
        return desk, HttpMcpServer(type="http", name="murmur", url=self.server.url, headers=headers)

    async def session(self, *servers: Any) -> str:
        made = await self.agent.new_session(cwd="/tmp", mcp_servers=list(servers))
        return str(made.session_id)

    async def prompt(self, session: str, iteration: int = 0, text: str | None = None) -> str:
        facts = {"agent": 1, "of": 4, "neighbours": [0, 2], "iteration": iteration, "cause": "start", "woken_by": []}
        block = f"```murmur-turn\n{json.dumps(facts)}\n```\nDo it."
        prompt = [TextContentBlock(type="text", text=block if text is None else text)]
        answer = await self.agent.prompt(session_id=session, prompt=prompt)
        return str(answer.stop_reason)


@asynccontextmanager
async def staged(*arguments: str, env: dict[str, str] | None = None) -> AsyncIterator[Stage]:
    heard = Listener()
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        ToolServer() as server,
        acp.spawn_agent_process(heard, *COMMAND, *arguments, cwd=ROOT, env=env) as (agent, process),  # type: ignore[arg-type]
    ):
        yield Stage(agent, process, server, heard)


async def test_it_says_that_it_is_scripted_and_what_it_offers() -> None:
    async with staged() as stage:
        said = await stage.agent.initialize(protocol_version=1)
    assert said.protocol_version == 1
    assert said.agent_info.name == "murmur-scripted"
    assert "no model" in said.agent_info.title
    assert said.agent_capabilities.mcp_capabilities.http is True
    assert said.agent_capabilities.session_capabilities.close is not None


async def test_a_warm_process_works_through_the_documents_session_by_session() -> None:
    async with staged() as stage:
        await stage.agent.initialize(protocol_version=1)
        for name in ("a.md", "ü b.md"):
            await stage.store.put(
                f"knowledge-base/{name}", b"# Lamp\r\n\r\nThe keeper lights the lamp every night.\r\n"
            )
        states = []
        for iteration in range(3):
            desk, server = stage.desk(iteration)
            session = await stage.session(server)
            await desk.listed.wait()
            assert await stage.prompt(session, iteration) == "end_turn"
            assert desk.said is not None
            states.append((desk.said.state, len(desk.files)))
            await stage.agent.close_session(session_id=session)
        assert states == [("working", 1), ("idle", 2), ("idle", 0)]
    index = (await stage.store.get("output/index.md")).body.decode()
    assert index.count("The keeper lights the lamp every night.") == 2
    titles = [update.title for update in stage.heard.updates if update.session_update == "tool_call"]
    assert "fs_write output/index.md" in titles
    assert stage.process.returncode == 0


async def test_the_tools_are_reached_through_a_stdio_server_too() -> None:
    async with staged() as stage:
        await stage.store.put("direction.md", b"- [ ] one\n- [ ] two\n")
        desk, http = stage.desk()
        token = http.headers[0].value.removeprefix("Bearer ")
        env = {"MURMUR_MCP_URL": http.url, "MURMUR_MCP_TOKEN": token}
        bridge = McpServerStdio(
            name="murmur",
            command=sys.executable,
            args=["-m", "agent.tools.bridge"],
            env=[EnvVariable(name=name, value=value) for name, value in env.items()],
        )
        assert await stage.prompt(await stage.session(bridge)) == "end_turn"
    assert desk.said is not None
    assert desk.said.action == "took one"
    assert (await stage.store.get("output/checklist.md")).body.startswith(b"- [x] one (taken by [agent-1]")


async def test_one_turn_at_a_time_and_a_cancel_ends_its_thinking_at_once() -> None:
    async with staged("--think", "3600") as stage:
        desk, server = stage.desk()
        session = await stage.session(server)
        await desk.listed.wait()
        prompts = {asyncio.create_task(stage.prompt(session)) for _ in range(2)}
        (refused,), (turn,) = await asyncio.wait(prompts, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(acp.RequestError, match="already running"):
            await refused
        await stage.agent.cancel(session_id=session)
        assert await turn == "cancelled"
        assert desk.said is None


async def test_a_cancel_ends_a_call_under_way() -> None:
    class SlowStore(MemoryStore):
        asked = asyncio.Event()

        async def list(self, prefix: str, **_: Any) -> Any:
            self.asked.set()
            await asyncio.sleep(PATIENCE_SECONDS)

    async with staged() as stage:
        stage.store = SlowStore()
        _, server = stage.desk()
        session = await stage.session(server)
        turn = asyncio.create_task(stage.prompt(session))
        await SlowStore.asked.wait()
        await stage.agent.cancel(session_id=session)
        assert await turn == "cancelled"
        stage.store = MemoryStore()
        desk, server = stage.desk()
        assert await stage.prompt(await stage.session(server)) == "end_turn"
        assert desk.said is not None


async def test_a_cancel_that_finds_nothing_running_does_no_harm() -> None:
    async with staged() as stage:
        desk, server = stage.desk()
        session = await stage.session(server)
        await stage.agent.cancel(session_id=session)
        await stage.agent.cancel(session_id="unknown")
        assert await stage.prompt(session) == "end_turn"
        assert desk.said is not None


async def test_thinking_time_may_come_from_the_environment() -> None:
    async with staged(env={THINK: "3600"}) as stage:
        _, server = stage.desk()
        session = await stage.session(server)
        turn = asyncio.create_task(stage.prompt(session))
        done, _ = await asyncio.wait([turn], timeout=0.5)
        assert not done
        await stage.agent.cancel(session_id=session)
        assert await turn == "cancelled"


async def test_the_runner_hands_the_thinking_time_on(tmp_path: Path) -> None:
    async with ToolServer() as tools:
        mind = AcpMind(SCRIPTED, tools, tmp_path, limits=SHORT, random=Latest(), host_environment={THINK: "3600"})
        try:
            await mind.warm()  # so that a slow start is not taken for thinking
            outcome = await mind.run(Desk(MemoryStore(), 0, frozenset(), 0), "Do it.", 3.0)
        finally:
            await mind.close()
    assert outcome.stop_reason == "timeout"


async def test_a_turn_without_its_tools_fails_with_the_reason() -> None:
    async with staged() as stage:
        _, server = stage.desk()
        server.headers = [HttpHeader(name="Authorization", value="Bearer wrong")]
        with pytest.raises(acp.RequestError, match="answered 401"):
            await stage.prompt(await stage.session(server))
        with pytest.raises(acp.RequestError, match="No MCP server of this session has broadcast"):
            await stage.prompt(await stage.session())
        with pytest.raises(acp.RequestError, match="use http or stdio"):
            await stage.session(SseMcpServer(type="sse", name="x", url="http://127.0.0.1/", headers=[]))
        with pytest.raises(acp.RequestError, match="no session 'gone'"):
            await stage.prompt("gone")


async def test_a_prompt_that_names_no_agent_ends_idle_and_says_why() -> None:
    async with staged() as stage:
        desk, server = stage.desk()
        assert await stage.prompt(await stage.session(server), text="hello") == "end_turn"
        assert desk.said is not None
        assert desk.said.state == "idle"
        assert "no murmur-turn block" in desk.said.result


async def test_a_session_closed_in_mid_turn_is_cancelled_and_many_open_ones_are_bounded() -> None:
    async with staged("--think", "3600") as stage:
        desk, server = stage.desk()
        session = await stage.session(server)
        turn = asyncio.create_task(stage.prompt(session))
        await desk.listed.wait()
        sessions = [await stage.session() for _ in range(70)]
        with pytest.raises(acp.RequestError, match="no session"):
            await stage.agent.close_session(session_id=sessions[0])
        await stage.agent.close_session(session_id=session)
        assert await turn == "cancelled"


async def speak(*lines: bytes, arguments: tuple[str, ...] = ()) -> tuple[list[Any], bytes, int]:
    """Write lines to a process and end its input; returns the messages, what stood on stderr, and the exit code."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, err = await asyncio.wait_for(process.communicate(b"".join(line + b"\n" for line in lines)), PATIENCE_SECONDS)
    return [json.loads(line) for line in out.splitlines()], err, process.returncode or 0


async def test_lines_that_are_no_requests_are_answered_as_json_rpc_says() -> None:
    messages, err, code = await speak(
        b"not json",
        b"[1, 2]",
        b"",
        b'{"jsonrpc":"2.0","id":"x","method":"no/such"}',
        b'{"jsonrpc":"2.0","method":"no/such/notification"}',
        b'{"jsonrpc":"2.0","id":4,"result":{}}',
        b'{"jsonrpc":"2.0","id":5}',
        b'{"jsonrpc":"2.0","id":6,"method":"session/new","params":{"mcpServers":[{"type":"http"}]}}',
        b'{"jsonrpc":"2.0","id":7,"method":"authenticate","params":{"methodId":"none"}}',
    )
    assert [(m["id"], m.get("error", {}).get("code")) for m in messages] == [
        (None, -32700),
        (None, -32600),
        ("x", -32601),
        (5, -32600),
        (6, -32602),
        (7, None),
    ]
    assert (err, code) == (b"", 0)


@pytest.mark.parametrize("arguments", [("--think", "-1"), ("--think", "nan"), ("--think", "soon"), ("--nonsense",)])
async def test_a_wrong_command_line_is_explained(arguments: tuple[str, ...]) -> None:
    messages, err, code = await speak(arguments=arguments)
    assert (messages, code) == ([], 2)
    assert b"usage: python -m agent.brains.scripted" in err


async def test_the_end_of_its_input_ends_the_process_in_mid_turn() -> None:
    async with staged("--think", "3600") as stage:
        desk, server = stage.desk()
        session = await stage.session(server)
        turn = asyncio.create_task(stage.prompt(session))
        await desk.listed.wait()
        assert stage.process.stdin is not None
        stage.process.stdin.close()
        await asyncio.wait_for(stage.process.wait(), PATIENCE_SECONDS)
        assert stage.process.returncode == 0
        assert await turn == "cancelled"


async def test_no_large_library_is_loaded() -> None:
    code = (
        "import sys; from agent.brains.scripted.__main__ import main; from agent.brains.scripted import turn; from agent.brains import mcp;"
        "print(sorted({'acp', 'mcp', 'pydantic', 'asyncio', 'http.client', 'hashlib', 'ssl', 'dataclasses', 'subprocess'}"
        " & sys.modules.keys()))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={},  # and nobody measures it
    )
    out, _ = await process.communicate()
    assert out.strip() == b"[]", "sixty-four of these share a machine"
