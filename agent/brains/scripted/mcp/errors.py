"""What can go wrong on the way to the tools."""

from __future__ import annotations

from murmur.errors import Unavailable


class ServerUnreachable(Unavailable):
    """The MCP server did not answer, or not as MCP demands. Remedy: see the log of the host that runs it."""

    code = "mcp_unreachable"

    def __init__(self, what: str) -> None:
        super().__init__(what, "See the log of the host that runs the tool server.")
