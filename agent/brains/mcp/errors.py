"""What can go wrong on the way to the tools, and at the tools."""

from __future__ import annotations

from murmur.errors import Refused, Unavailable


class ServerUnreachable(Unavailable):
    """The MCP server did not answer, or not as MCP demands. Remedy: see the log of the host that runs it."""

    code = "mcp_unreachable"

    def __init__(self, what: str) -> None:
        super().__init__(what, "See the log of the host that runs the tool server.")


class ToolRefused(Refused):
    """A tool answered with an error; the message is the tool's own words. Remedy: those words name it."""

    code = "tool_refused"

    def __init__(self, words: str) -> None:
        super().__init__(words.strip(), "")

    @property
    def not_text(self) -> bool:
        """Whether the words say that the file is binary or in another encoding: reading it again cannot help."""
        return "not UTF-8 text" in self.message

    @property
    def for_good(self) -> bool:
        """Whether asking again cannot help."""
        return self.not_text or " is refused: " in self.message
