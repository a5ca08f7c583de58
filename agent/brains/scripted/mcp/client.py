"""An MCP client: initialize, list the tools, call them. One request at a time, no callbacks."""

from __future__ import annotations

from typing import Any, Final

from agent.brains.scripted.mcp.errors import ServerUnreachable
from agent.brains.scripted.mcp.transport import Message, Transport
from agent.brains.scripted.tools import ToolRefused

PROTOCOL_VERSION: Final = "2025-06-18"
_SPOKEN: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
_MOST_PAGES: Final = 100


class McpClient:
    """One connection to one server. ``abort`` may be called from another thread."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._last_id = 0
        self.tools: tuple[str, ...] = ()
        """The names of the server's tools, once opened."""

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
        self.tools = tuple(self._list())

    def call(self, tool: str, arguments: dict[str, str | int]) -> str:
        """Call a tool; returns its text. Raises ToolRefused with the tool's words, ServerUnreachable."""
        answer = self._request("tools/call", {"name": tool, "arguments": arguments})
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

    def _list(self) -> list[str]:
        names: list[str] = []
        cursor: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            answer = self._request("tools/list", cursor)
            names += [str(tool.get("name")) for tool in answer.get("tools") or []]
            if not answer.get("nextCursor"):
                break
            cursor = {"cursor": answer["nextCursor"]}
        return names

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
