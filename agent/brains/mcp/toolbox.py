"""The tools of one ACP session: every MCP server it was given, reached and listed, and calls by name."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agent.brains.mcp.client import McpClient, Tool
from agent.brains.mcp.errors import ServerUnreachable
from agent.brains.mcp.transport import HttpTransport, StdioTransport


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


Server = HttpServer | StdioServer


class Toolbox:
    """Connections to the servers of a session. ``abort`` and ``close`` may come from another thread."""

    def __init__(self, servers: Sequence[Server], name: str, version: str) -> None:
        """``name`` and ``version``: who the servers are told is calling."""
        self._servers = servers
        self._caller = (name, version)
        self._open: list[McpClient] = []
        self._clients: dict[str, McpClient] = {}
        self._lock = threading.RLock()

    def open(self, needed: frozenset[str]) -> None:
        """Reach every server and list its tools, among which ``needed`` must be. Idempotent. Raises ServerUnreachable."""
        with self._lock:
            if self._clients:
                return
            try:
                for server in self._servers:
                    client = McpClient(_transport(server))
                    self._open.append(client)
                    client.open(*self._caller)
                    self._clients = {**dict.fromkeys(client.tools, client), **self._clients}
                _complete(self._clients, needed)
            except ServerUnreachable:
                self.close()
                raise

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What there is, once open."""
        return tuple(tool for client in self._open for tool in client.described)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool; returns its text. Raises ToolRefused with the tool's words, ServerUnreachable."""
        return self._clients[tool].call(tool, arguments)

    def abort(self) -> None:
        """Let go at once: a call under way fails, and the connections are of no use afterwards."""
        for client in tuple(self._open):
            client.abort()

    def close(self) -> None:
        """Let go of every server; it may be opened anew. Idempotent."""
        with self._lock:
            clients, self._open, self._clients = self._open, [], {}
        for client in clients:
            client.close()


def _complete(tools: Mapping[str, McpClient], needed: frozenset[str]) -> None:
    if missing := needed - tools.keys():
        raise ServerUnreachable(f"No MCP server of this session has {', '.join(sorted(missing))}.")


def _transport(server: Server) -> HttpTransport | StdioTransport:
    if isinstance(server, HttpServer):
        return HttpTransport(server.url, dict(server.headers))
    return StdioTransport(server.command, list(server.args), dict(server.env))
