"""What an agent may name: a path normalised and judged, before anything is asked of the store.

Read: output/, knowledge-base/, direction.md, config.json, the own log, the neighbours' logs, the own directive.
Write: output/, and knowledge-base/ where the flock's configuration says so. The own log is written through ``broadcast``.
Everything else is refused by not being on these lists, so that a new key of the bucket is closed until it is opened here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from murmur import keys
from murmur.errors import PathRefused

PATH_LIMIT_BYTES: Final = 900
"""S3 allows 1,024; the rest is left for ``history/<run>/`` when the run is archived."""
NAME_LIMIT_BYTES: Final = 240
"""One segment must also fit a file system, since results are handed out as plain files."""

ROOTS: Final = (keys.CONFIG, keys.DIRECTION, keys.KNOWLEDGE, keys.OUTPUT, keys.STORE)
"""Where anything readable begins, in key order: a listing that walks them in turn is ascending throughout."""

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True)
class Rights:
    """Whose paths are judged: the agent, whose logs it may read, and whether it may write knowledge-base/."""

    agent: int
    readable: frozenset[int]
    knowledge_writable: bool = False

    def may_read(self, key: str) -> bool:
        """Whether the (normalised) key may be read."""
        if key in (keys.CONFIG, keys.DIRECTION) or _inside(key, keys.OUTPUT) or _inside(key, keys.KNOWLEDGE):
            return True
        author = keys.agent_of_log(key)
        return key == keys.directive(self.agent) or (
            author is not None and (author == self.agent or author in self.readable)
        )

    def key_to_read(self, path: str) -> str:
        """The key ``path`` names. Raises PathRefused with the rule it breaks."""
        key = normalise(path)
        if not self.may_read(key):
            raise PathRefused(path, self._why_unreadable(key))
        return key

    def key_to_write(self, path: str) -> str:
        """The key ``path`` names; the own log passes, its caller decides. Raises PathRefused with the rule it breaks."""
        key = normalise(path)
        if _inside(key, keys.OUTPUT) or key == keys.log(self.agent):
            return key
        if _inside(key, keys.KNOWLEDGE):
            if self.knowledge_writable:
                return key
            raise PathRefused(path, "knowledge-base/ is read-only in this flock; write to output/")
        raise PathRefused(path, self._why_unwritable(key))

    def prefix_to_list(self, prefix: str) -> str:
        """The key prefix ``prefix`` names; "" is everything readable. Raises PathRefused."""
        text = prefix if prefix not in ("", ".", "./", "/") else ""
        key = normalise(text, folder=True) if text else ""
        if not any(key.startswith(root) or root.startswith(key) for root in ROOTS):
            raise PathRefused(prefix, f"you may list {_names(ROOTS)}, or everything with an empty prefix")
        return key

    def _why_unreadable(self, key: str) -> str:
        if keys.agent_of_log(key) is not None:
            return f"it is the log of an agent that is not your neighbour; you may read {self._logs()}"
        if keys.agent_of_directive(key) is not None:
            return "it is another agent's directive; you may read only your own"
        return (
            "you may read output/, knowledge-base/, direction.md, config.json, your own log and your neighbours' logs"
        )

    def _why_unwritable(self, key: str) -> str:
        if keys.agent_of_log(key) is not None:
            return "it is another agent's log; only that agent writes it"
        if key.startswith(keys.STORE) or key in (keys.DIRECTION, keys.CONFIG, keys.CONTROL, keys.ROSTER):
            return "only the operator writes it; you may write to output/"
        allowed = "output/ and knowledge-base/" if self.knowledge_writable else "output/"
        return f"you may write to {allowed} only"

    def _logs(self) -> str:
        nearest = sorted(self.readable)[:8]
        names = _names([keys.log(agent) for agent in (self.agent, *nearest)])
        return names if len(self.readable) <= 8 else f"{names} and {len(self.readable) - 8} more"


def normalise(path: str, *, folder: bool = False) -> str:
    """The key a path means: one leading "/" or "./" is dropped, nothing else is guessed. Raises PathRefused.

    ``folder``: the path may end in "/", for listings.
    """
    key = path[2:] if path.startswith("./") else path.removeprefix("/")
    rule = _broken_rule(key, folder=folder)
    if rule:
        raise PathRefused(_printable(path), rule)
    return key


def _broken_rule(key: str, *, folder: bool) -> str:
    if not key:
        return "the path is empty; name a file such as output/notes.md"
    if any(unicodedata.category(c) in _REFUSED_CATEGORIES or c in _BIDI for c in key[: PATH_LIMIT_BYTES + 1]):
        return "control characters, line breaks and text-direction marks are not allowed in a path"
    if len(key) > PATH_LIMIT_BYTES or len(key.encode()) > PATH_LIMIT_BYTES:
        return f"a path may be at most {PATH_LIMIT_BYTES} bytes long"
    if "\\" in key:
        return "a path is written with forward slashes"
    return _broken_segments((key[:-1] if folder and key.endswith("/") else key).split("/"))


def _broken_segments(segments: list[str]) -> str:
    if segments[-1] == "":
        return "it names a folder; name a file in it"
    if "" in segments:
        return "a path has no empty segments (no double slash)"
    if any(segment in (".", "..") for segment in segments):
        return 'a path has no "." or ".." segments'
    if any(len(segment.encode()) > NAME_LIMIT_BYTES for segment in segments):
        return f"each part of a path may be at most {NAME_LIMIT_BYTES} bytes long"
    return ""


def _inside(key: str, folder: str) -> bool:
    return key.startswith(folder) and len(key) > len(folder)


def _names(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names)


def _printable(path: str) -> str:
    return path[:200].encode("utf-8", "replace").decode()
