"""One ACP session of the process: its MCP connections, and the turn that runs in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple, TypeVar

from agent.brains.scripted.facts import parse_facts
from agent.brains.scripted.mcp.client import McpClient
from agent.brains.scripted.mcp.errors import ServerUnreachable
from agent.brains.scripted.mcp.transport import HttpTransport, StdioTransport
from agent.brains.scripted.report import Report
from agent.brains.scripted.tools import ToolRefused
from agent.brains.scripted.turn import take_turn
from murmur.errors import InvalidInput, MurmurError

NAME: Final = "murmur-scripted"
VERSION: Final = "1"
_NEEDED: Final = frozenset({"fs_read", "fs_write", "fs_list", "broadcast"})
T = TypeVar("T")
OnCall = Callable[[str, dict[str, str | int], bool], None]
"""Tool, arguments, and whether it answered well."""


class HttpServer(NamedTuple):
    """An http entry of ``mcpServers``."""

    name: str
    url: str
    headers: tuple[tuple[str, str], ...]


class StdioServer(NamedTuple):
    """A stdio entry of ``mcpServers``."""

    name: str
    command: str
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]


class Behaviour(NamedTuple):
    """What the command line says. ``think_seconds`` stands in for the time a model would take."""

    think_seconds: float = 0.0
    seed: int = 0


class Cancelled(MurmurError):
    """The client cancelled the turn. Remedy: none is needed."""

    code = "cancelled"


class Session:
    """A session: connects as soon as it is made, runs one turn at a time. ``cancel`` and ``close`` come from another thread."""

    def __init__(self, servers: tuple[HttpServer | StdioServer, ...], behaviour: Behaviour) -> None:
        self._servers = servers
        self._behaviour = behaviour
        self._open: list[McpClient] = []
        self._tools: dict[str, McpClient] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self.busy = False
        """Whether a turn runs; kept by whoever accepts prompts."""

    def connect(self) -> None:
        """Reach every server and list its tools. Idempotent. Raises ServerUnreachable."""
        with self._lock:
            if self._tools:
                return
            try:
                for server in self._servers:
                    client = McpClient(_transport(server))
                    self._open.append(client)
                    client.open(NAME, VERSION)
                    self._tools = {**dict.fromkeys(client.tools, client), **self._tools}
                _complete(self._tools)
            except ServerUnreachable:
                self.disconnect()
                raise

    def begin(self) -> None:
        """A turn was accepted: from now on ``cancel`` means this one."""
        self._stop.clear()
        self.busy = True

    def run(self, prompt: str, on_call: OnCall) -> Report:
        """The turn. ``on_call`` hears of each call when it is done, and whether it was well.

        Raises Cancelled, ServerUnreachable, ToolRefused (the broadcast was refused).
        """
        try:
            self.connect()
            if self._stop.wait(self._behaviour.think_seconds):
                self._check()
            return drive(self._turn(prompt, on_call))
        except ServerUnreachable:
            self._check()  # A call that failed because it was cut off is a cancelled turn, not a dead server.
            raise
        finally:
            self.disconnect()

    def cancel(self) -> None:
        """End the turn that runs, also in the middle of a call; the connections are of no use afterwards."""
        self._stop.set()
        for client in tuple(self._open):
            client.abort()

    def disconnect(self) -> None:
        """Let go of every server; a later turn connects anew. Idempotent."""
        with self._lock:
            clients, self._open, self._tools = self._open, [], {}
        for client in clients:
            client.close()

    def _check(self) -> None:
        if self._stop.is_set():
            raise Cancelled("The turn was cancelled.", "")

    async def _turn(self, prompt: str, on_call: OnCall) -> Report:
        tools = _SessionTools(self._tools, self._check, on_call)
        try:
            facts = parse_facts(prompt)
        except InvalidInput as error:
            report = Report(
                "did nothing", f"{error.message} {error.remedy}", "idle until a prompt names the agent", idle=True
            )
            await report.say(tools)
            return report
        return await take_turn(tools, facts, seed=self._behaviour.seed)


class _SessionTools:
    """The session's MCP tools as ``Tools``. A call blocks its thread and never suspends, so ``drive`` can run it."""

    def __init__(self, clients: dict[str, McpClient], check: Callable[[], None], on_call: OnCall) -> None:
        self._clients = clients
        self._check = check
        self._on_call = on_call

    async def call(self, tool: str, **arguments: str | int) -> str:
        """See ``Tools.call``."""
        self._check()
        try:
            text = self._clients[tool].call(tool, arguments)
        except ToolRefused:
            self._on_call(tool, arguments, False)
            raise
        self._on_call(tool, arguments, True)
        return text


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends to its end, without an event loop (asyncio would double this process)."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("the turn waited for something that is not there")


def _complete(tools: dict[str, McpClient]) -> None:
    missing = _NEEDED - tools.keys()
    if missing:
        raise ServerUnreachable(f"No MCP server of this session has {', '.join(sorted(missing))}.")


def _transport(server: HttpServer | StdioServer) -> HttpTransport | StdioTransport:
    if isinstance(server, HttpServer):
        return HttpTransport(server.url, dict(server.headers))
    return StdioTransport(server.command, list(server.args), dict(server.env))
