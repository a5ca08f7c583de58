"""An MCP client: initialize, list the tools, call them. One request at a time, no callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from agent.brains.mcp.errors import ServerUnreachable, ToolRefused
from agent.brains.mcp.transport import Message, Transport

PROTOCOL_VERSION: Final = "2025-06-18"
_SPOKEN: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
_MOST_PAGES: Final = 100


class Tool(NamedTuple):
    """A tool as its server describes it. ``schema``: the JSON Schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]


class McpClient:
    """One connection to one server. ``abort`` may be called from another thread."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._last_id = 0
        self.described: tuple[Tool, ...] = ()
        """The server's tools, once opened."""

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the server's tools, once opened."""
        return tuple(tool.name for tool in self.described)

    def open(self, name: str, version: str) -> None:
        """Shake hands and list the tools. Raises ServerUnreachable."""
        answer = self._request(
            "initialize",
            {
                "protocolVersion": PROTOCOL_VERSION,
                "capabilities": {},
                "clientInfo": {"name": name, "version": version},
            },
        )
        agreed = answer.get("protocolVersion")
        if agreed not in _SPOKEN:
            raise ServerUnreachable(f"The MCP server speaks version {agreed!r}, which is not spoken here.")
        self._transport.agree(agreed)
        self._transport.notify({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.described = tuple(self._list())

    def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool; returns its text. Raises ToolRefused with the tool's words, ServerUnreachable."""
        answer = self._request("tools/call", {"name": tool, "arguments": dict(arguments)})
        parts = answer.get("content") or []
        text = "\n".join(part.get("text", "") for part in parts if part.get("type") == "text")
        if answer.get("isError"):
            raise ToolRefused(text or f"{tool} failed without a word.")
        return text

    def close(self) -> None:
        """End the connection. Idempotent."""
        self._transport.close()

    def abort(self) -> None:
        """End the connection now; a call under way fails."""
        self._transport.abort()

    def _list(self) -> list[Tool]:
        found: list[Tool] = []
        cursor: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            answer = self._request("tools/list", cursor)
            found += [_tool(value) for value in answer.get("tools") or [] if isinstance(value, dict)]
            if not answer.get("nextCursor"):
                break
            cursor = {"cursor": answer["nextCursor"]}
        return found

    def _request(self, method: str, params: dict[str, Any]) -> Message:
        self._last_id += 1
        answer = self._transport.request({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        if "error" in answer:
            error = answer["error"] if isinstance(answer["error"], dict) else {}
            raise ServerUnreachable(f"The MCP server refused {method}: {error.get('message', 'no reason given')}")
        result = answer.get("result")
        if not isinstance(result, dict):
            raise ServerUnreachable(f"The MCP server's answer to {method} holds no result.")
        return result


def _tool(value: dict[str, Any]) -> Tool:
    schema = value.get("inputSchema")
    return Tool(str(value.get("name")), str(value.get("description") or ""), schema if isinstance(schema, dict) else {})
