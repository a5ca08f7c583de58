"""Reference material from this machine into the flock: what is taken, what is not and why, and the upload."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from murmur import keys
from murmur.cli.parser import UsageError
from murmur.cli.text import clean, plural, size
from murmur.errors import MurmurError

if TYPE_CHECKING:
    from murmur.cli.client import Client

_KEY_BYTES: Final = 1024 - len(keys.KNOWLEDGE)
"""S3 takes keys of at most 1,024 bytes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken at most."""

    files: int = 10_000
    file_bytes: int = 64_000_000
    total_bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A file to upload; ``name`` is what the flock will call it."""

    path: Path
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is not taken, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Collection:
    """What was found at the path, in the order of names."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """What the flock's knowledge base holds now, compared with before."""

    taken: tuple[Document, ...]
    skipped: tuple[Skipped, ...]
    removed: tuple[str, ...]
    """What was there and is not any more."""

    @property
    def words(self) -> str:
        """The upload in a sentence."""
        total = size(sum(document.size for document in self.taken))
        parts = [f"knowledge: {plural(len(self.taken), 'document')} ({total})"]
        if self.removed:
            parts.append(f"{plural(len(self.removed), 'earlier document')} removed")
        if self.skipped:
            parts.append(f"{len(self.skipped)} not taken")
        return ", ".join(parts)


def collect(source: Path, limits: Limits | None = None, leave_out: tuple[Path, ...] = ()) -> Collection:
    """Everything at ``source``, a file or a folder, without following links inside it. Raises UsageError if that is nothing.

    ``leave_out`` are folders of our own that may lie inside: the flock's home, the results.
    """
    limits = limits or Limits()
    try:
        root = source.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UsageError(f"There is no {source}.", "Give --knowledge a file or a folder that exists.") from error
    apart = {path.expanduser().resolve() for path in leave_out}
    found = list(_walk(root, apart)) if root.is_dir() else [_judge(root, source.name or root.name)]
    documents: list[Document] = []
    skipped: list[Skipped] = []
    total = 0
    for item in found:
        if isinstance(item, Skipped):
            skipped.append(item)
        elif item.size > limits.file_bytes:
            skipped.append(Skipped(item.name, f"larger than {size(limits.file_bytes)}"))
        elif len(documents) >= limits.files:
            skipped.append(Skipped(item.name, f"more than {limits.files} files"))
        elif total + item.size > limits.total_bytes:
            skipped.append(Skipped(item.name, f"more than {size(limits.total_bytes)} in all"))
        else:
            total += item.size
            documents.append(item)
    if not documents:
        why = f": {skipped[0].name}: {skipped[0].why}" if skipped else " is empty"
        raise UsageError(
            f"Nothing in {source} can be taken{why if skipped else ''}." if skipped else f"{source}{why}.",
            "Give --knowledge a folder with documents, or leave it away if the direction needs none.",
        )
    return Collection(tuple(documents), tuple(skipped))


def upload(client: Client, found: Collection, check: Callable[[], None]) -> Upload:
    """Make the flock's knowledge base exactly what was collected. ``check`` is called between files and may raise.

    A document the flock refuses is reported with its words, and the rest goes on. Raises Unreachable.
    """
    there = {_name(str(file["key"])) for file in client.listing("/cluster/knowledge")}
    taken: list[Document] = []
    skipped = list(found.skipped)
    for document in found.documents:
        check()
        try:
            client.call("PUT", "/cluster/knowledge", params={"key": document.name}, content=_read(document.path))
        except OSError as error:
            skipped.append(Skipped(document.name, f"cannot be read: {error.strerror or error}"))
        except MurmurError as error:
            if error.code == "unreachable" or getattr(error, "status", 0) in (401, 403, 409):
                raise
            skipped.append(Skipped(document.name, clean(error, 300)))
        else:
            taken.append(document)
    removed = sorted(there - {document.name for document in taken})
    for name in removed:
        check()
        client.call("DELETE", "/cluster/knowledge", params={"key": name})
    return Upload(tuple(taken), tuple(skipped), tuple(removed))


def body(document: Document) -> bytes:
    """The document's bytes. Raises OSError, also if it has become a link."""
    return _read(document.path)


def _walk(root: Path, apart: set[Path]) -> Iterator[Document | Skipped]:
    """Files under ``root`` in the order of their names; a folder that is left out is named once."""
    lost: list[Skipped] = []

    def unreadable(error: OSError) -> None:
        name = Path(error.filename).relative_to(root).as_posix() if error.filename else "?"
        lost.append(Skipped(clean(name) + "/", f"cannot be read: {error.strerror}"))

    for here, folders, files in os.walk(root, onerror=unreadable):
        folder = Path(here)
        for name in sorted(folders):
            path = folder / name
            why = "a symbolic link to a folder" if path.is_symlink() else "hidden" if name.startswith(".") else ""
            why = "the flock's own" if path.resolve() in apart else why
            if why:
                folders.remove(name)
                yield Skipped(clean(path.relative_to(root).as_posix()) + "/", why)
        folders.sort()
        for name in sorted(files):
            yield _judge(folder / name, (folder / name).relative_to(root).as_posix())
    yield from lost


def _judge(path: Path, name: str) -> Document | Skipped:
    """Whether the file can be taken."""
    shown = clean(name.encode("utf-8", "replace").decode())
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return Skipped(shown, f"a symbolic link (to {clean(path.readlink())})")
        if not stat.S_ISREG(found.st_mode):
            return Skipped(shown, "not a regular file")
        if path.name.startswith("."):
            return Skipped(shown, "hidden")
        if len(name.encode()) > _KEY_BYTES:
            return Skipped(shown, f"its path is longer than {_KEY_BYTES} bytes")
        if not name.isprintable():
            return Skipped(shown, "its name holds control characters")
        if not os.access(path, os.R_OK):
            return Skipped(shown, "no permission to read it")
    except UnicodeEncodeError:
        return Skipped(shown, "its name is not UTF-8")
    except OSError as error:
        return Skipped(shown, f"cannot be read: {error.strerror or error}")
    return Document(path, name, found.st_size)


def _read(path: Path) -> bytes:
    """The file's bytes; it must still be a file, not a link put in its place."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        return file.read()


def _name(key: str) -> str:
    return key.removeprefix(keys.KNOWLEDGE)
