"""The index: one line a digest, written by one agent, extended when documents were added."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted.facts import TurnFacts
from agent.brains.scripted.text.digest import code_span
from agent.brains.scripted.tools import WHOLE_BYTES, Tools, clip, create, exists, read_text
from agent.brains.scripted.work.naming import DIGESTS, INDEX, digest_key
from murmur import keys

INDEX_LIMIT_BYTES: Final = 3_500_000
"""An index that would be larger goes without the sentences; fs_write takes 4 MiB."""
_ATTEMPTS: Final = 5
_SENTENCE_LIMIT: Final = 240
_LINE: Final = re.compile(r"(- \[(?:\\.|[^\]\\])*\]\(digests/([^()\s]+)\))[^\n]*")
_FIRST: Final = re.compile(r"^1\. (.+)$", re.MULTILINE)
_HEAD_BYTES: Final = 16 * 1024


async def ensure_index(tools: Tools, facts: TurnFacts, documents: Sequence[str]) -> str:
    """See to it that the index links every document's digest; says what it did: "", "wrote" or "extended". Raises ToolRefused."""
    names = {path: digest_key(path).removeprefix(DIGESTS) for path in documents}
    for _ in range(_ATTEMPTS):
        standing = (await read_text(tools, INDEX, bound=WHOLE_BYTES)).text if await exists(tools, INDEX) else None
        lines = _known_lines(standing or "")
        if standing is not None and all(name in lines for name in names.values()):
            return ""
        text = await _build(tools, facts, names, lines)
        if standing is None:
            # Building it took a read for each digest: somebody else may have been faster.
            if not await exists(tools, INDEX) and await create(tools, INDEX, text):
                return "wrote"
        elif await _overwrite(tools, text):
            return "extended"
    raise ToolRefused(f"{INDEX} was changed by others each time it was about to be extended.")


def _known_lines(index: str) -> dict[str, str]:
    """Digest name → its line, of an index as it stands."""
    return {match[2]: line for line in index.splitlines() if (match := _LINE.fullmatch(line))}


async def _overwrite(tools: Tools, text: str) -> bool:
    """Replace the index this turn has read; False if it was changed since, so that it must be read again."""
    try:
        await tools.call("fs_write", path=INDEX, content=text, mode="write")
    except ToolRefused:
        return False
    return True


async def _build(tools: Tools, facts: TurnFacts, names: Mapping[str, str], lines: Mapping[str, str]) -> str:
    entries = [lines.get(name) or await _entry(tools, path, name) for path, name in names.items()]
    head = (
        f"# Index\n\n{len(names)} documents of {keys.KNOWLEDGE}, one digest each. "
        f"Put together by agent-{facts.agent} in its turn {facts.iteration}, by rule, without a model.\n\n"
    )
    text = head + "\n".join(entries) + "\n"
    if len(text.encode()) <= INDEX_LIMIT_BYTES:
        return text
    return head + "\n".join(_LINE.sub(r"\1", entry) for entry in entries) + "\n"


async def _entry(tools: Tools, document: str, name: str) -> str:
    """The line of one digest: its title as a link, and its first key sentence, both as the digest has them."""
    text = await tools.call("fs_read", path=DIGESTS + name, offset=0, limit=_HEAD_BYTES)
    title = text.partition("\n")[0].removeprefix("# ").strip()
    _, _, body = text.partition("\n## Key sentences\n")
    first = _FIRST.search(body or text.partition("\n## Opening lines\n")[2])
    said = clip(first[1], _SENTENCE_LIMIT) if first else _note(text)
    return f"- [{title or name}](digests/{name}) ({code_span(clip(document, 1000))}): {said}"


def _note(digest: str) -> str:
    """The digest's own word on why it quotes nothing."""
    paragraphs = [part.strip() for part in digest.split("\n\n")[1:] if part.strip()]
    return clip(next((p for p in paragraphs if not p.startswith(("- ", "## "))), "no sentences"), _SENTENCE_LIMIT)
