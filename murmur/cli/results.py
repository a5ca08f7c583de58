"""What a flock produced, onto this machine's disk.

Keys are chosen by agents. No key leads outside the folder, through a link, or over something that is no file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from murmur import keys
from murmur.cli.parser import UsageError
from murmur.cli.text import clean
from murmur.errors import MurmurError

if TYPE_CHECKING:
    from murmur.cli.client import Client


@dataclass(frozen=True, slots=True)
class Copied:
    """A file that is here now; ``path`` is relative to the folder."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Left:
    """A file that was not copied, and why."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Results:
    """What became of every file of the listing."""

    copied: tuple[Copied, ...] = ()
    left: tuple[Left, ...] = ()


def check_folder(folder: Path, *, force: bool) -> None:
    """See that results can go to ``folder``, and make it. Raises UsageError; called before anything is begun."""
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder.", "Name another one.")
        if folder.is_dir() and not force and any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty.", "Name another folder, or add --force to write among what is there."
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be used: {error.strerror or error}.", "Name a folder you may write."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder} may not be written.", "Name a folder you may write.")


def pull(client: Client, files: Iterable[dict[str, Any]], folder: Path) -> Results:
    """Download the listed files of output/ below ``folder``. Raises Unreachable; everything else is told file by file."""
    copied: list[Copied] = []
    left: list[Left] = []
    for file in files:
        key = str(file["key"])
        try:
            path = place(folder, key)
            copied.append(Copied(path.relative_to(folder).as_posix(), _write(client, key, path)))
        except OSError as error:
            left.append(Left(clean(key), f"cannot be written: {error.strerror or error}"))
        except MurmurError as error:
            if error.code == "unreachable":
                raise
            left.append(Left(clean(key), clean(error, 300)))
    return Results(tuple(copied), tuple(left))


def place(folder: Path, key: str) -> Path:
    """Where the file of ``key`` goes, its folders made. Raises UsageError if the key leads anywhere it must not, OSError."""
    name = key.removeprefix(keys.OUTPUT)
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or not name.isprintable():
        raise UsageError(f"{clean(key)!r} is no name for a file here.", "Read it with `murmur files get`.")
    path = folder
    for part in parts[:-1]:
        path /= part
        if path.is_symlink():
            raise UsageError(f"{path} is a symbolic link.", "Choose a folder without links in it.")
        path.mkdir(exist_ok=True)
    path /= parts[-1]
    if path.is_dir() and not path.is_symlink():
        raise UsageError(f"{path} is a folder.", "Read the file with `murmur files get`.")
    return path


def _write(client: Client, key: str, path: Path) -> int:
    """Write beside the file, then put it in its place: nobody sees half of it, and a link there is replaced, not followed."""
    part = path.parent / f".murmur-{os.getpid()}.part"
    try:
        with part.open("xb") as file:
            count = client.file(key, file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count
