"""The map workload: every document of knowledge-base/ gets one digest, then one agent writes the index.

The digest itself is the claim: it is written create-only, so two agents with the same document settle it there, and there is
no claim an agent could die with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted.facts import TurnFacts
from agent.brains.scripted.neighbours import announced
from agent.brains.scripted.report import Report
from agent.brains.scripted.text.digest import Digest, make_digest, render, unreadable
from agent.brains.scripted.tools import FileInfo, Tools, clip, create, list_files, read_text
from agent.brains.scripted.work.choice import candidates
from agent.brains.scripted.work.index import ensure_index
from agent.brains.scripted.work.naming import DIGESTS, INDEX, digest_key

_TRIES: Final = 5
"""How many documents a turn tries before it leaves the rest to the next: each lost one was digested by somebody else."""


class Piece(NamedTuple):
    """The digest this turn has written: of which document, in words fit for the log."""

    document: str
    summary: str


async def work(tools: Tools, facts: TurnFacts, documents: Sequence[FileInfo], seed: int) -> Report:
    """Digest one document that nobody has; write or extend the index when all have one. Raises ToolRefused."""
    piece: Piece | None = None
    pending = await _pending(tools, documents)
    order = _in_order(documents, pending, await announced(tools, facts), facts, seed) if pending else []
    for _ in range(_TRIES):
        if piece or not order:
            break
        piece = await _digest(tools, facts, next(d for d in documents if d.path == order[0]))
        pending = await _pending(tools, documents)
        order = [path for path in order if path in pending]
    if pending:
        return _go_on(piece, order[0] if order else min(pending), len(documents) - len(pending), len(documents))
    return _finished(piece, await ensure_index(tools, facts, [d.path for d in documents]), len(documents))


def intent(document: str) -> str:
    """How the wish to digest a document is announced, as it will stand in the log."""
    return clip(f"digest {document}")


def _in_order(
    documents: Sequence[FileInfo], pending: frozenset[str], wishes: frozenset[str], facts: TurnFacts, seed: int
) -> list[str]:
    return candidates([d.path for d in documents], pending, lambda path: intent(path) in wishes, facts, seed)


async def _pending(tools: Tools, documents: Sequence[FileInfo]) -> frozenset[str]:
    """The documents without a digest."""
    digests = {file.path for file in await list_files(tools, DIGESTS)}
    return frozenset(d.path for d in documents if digest_key(d.path) not in digests)


async def _digest(tools: Tools, facts: TurnFacts, document: FileInfo) -> Piece | None:
    """Write the document's digest; None if somebody else was first. Raises ToolRefused if trying again later may help."""
    digest = await _read(tools, document)
    target = digest_key(document.path)
    author = f"agent-{facts.agent} in its turn {facts.iteration}"
    if not await create(tools, target, render(digest, document.path, document.size, author)):
        return None
    found = digest.note or f"{_count(digest.headings, 'heading')}, {_count(digest.key_sentences, 'key sentence')}"
    return Piece(document.path, f"{clip(found, 80)} from {document.size:,} bytes")


async def _read(tools: Tools, document: FileInfo) -> Digest:
    try:
        read = await read_text(tools, document.path, document.size)
    except ToolRefused as refusal:
        if not refusal.for_good:
            raise
        return unreadable(document.path, refusal.message)
    digest = make_digest(document.path, read.text)
    return digest._replace(note=f"Only a part was read: {read.stopped}.") if read.stopped else digest


def _go_on(piece: Piece | None, following: str, done: int, total: int) -> Report:
    count = f"{done} of {total} documents have a digest"
    if piece is None:
        return Report("looked for a document", f"others were first each time; {count}", intent(following))
    return Report(f"digested {piece.document}", f"{piece.summary}; {count}", intent(following))


def _finished(piece: Piece | None, index: str, total: int) -> Report:
    """The last piece is done. ``index``: what this turn did to the index, empty if it was complete already."""
    done = [f"digested {piece.document}"] if piece else []
    done += [f"{index} {INDEX}"] if index else []
    summary = f"{piece.summary}; " if piece else ""
    state = f"all {total} documents have a digest and {INDEX} links them"
    return Report(
        " and ".join(done) or "looked for work", summary + state, "idle: nothing is left to digest", idle=True
    )


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
