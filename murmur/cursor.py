"""What an agent has taken into account: its place in every neighbour's log, and the versions of the documents.

The cursor is kept in the agent's own log line (``seen``, ``seen_documents``) and, for what needed no line, in its state
document; both are read back after a restart, so an agent knows where it stood (architecture.md, decision 5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from murmur import keys
from murmur.entry import LogEntry
from murmur.ports import ObjectInfo
from murmur.state import AgentState

Document = Literal["direction", "directive", "config", "resumes", "output"]
DOCUMENTS: Final[tuple[Document, ...]] = ("direction", "directive", "config", "resumes", "output")


@dataclass(frozen=True, slots=True)
class Cursor:
    """``seen``: newest iteration per neighbour. ``documents``: version per document, "" for one that is not there."""

    seen: Mapping[int, int] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)

    def past(self, agent: int) -> int:
        """Newest iteration of ``agent`` taken into account; -1 for none."""
        return self.seen.get(agent, -1)

    def advanced(self, seen: Mapping[int, int], documents: Mapping[str, str]) -> Self:
        """This cursor moved forward; it never moves back in a log."""
        moved = {agent: max(self.past(agent), iteration) for agent, iteration in seen.items()}
        return type(self)({**self.seen, **moved}, {**self.documents, **documents})

    @classmethod
    def restored(cls, last: LogEntry | None, state: AgentState | None) -> Self:
        """Where the agent stood, from its newest successful line and its state document (of the same run).

        The state document wins for the documents if it was written at or after that line: it is put after every append.
        """
        cursor = cls()
        if last is not None and not last.failed:
            cursor = cursor.advanced(last.seen, last.seen_documents)
        if state is not None:
            newer = last is None or state.iteration >= last.iteration
            cursor = cursor.advanced(state.seen, state.seen_documents if newer else {})
        return cursor


def listing_version(objects: Iterable[ObjectInfo], own: Mapping[str, str] | None = None) -> str:
    """The version of output/ as one string: which keys there are, at which ETags. "" for an empty folder.

    ``own`` (key → ETag) is laid over it: what this agent wrote since the listing was read.
    """
    etags = {item.key: item.etag for item in objects} | {
        k: v for k, v in (own or {}).items() if k.startswith(keys.OUTPUT)
    }
    if not etags:
        return ""
    text = "".join([f"{key}\0{etags[key]}\0" for key in sorted(etags)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
