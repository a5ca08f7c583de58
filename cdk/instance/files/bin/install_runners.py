"""Installs the agents that runners.json lists: fetched from the address it names, refused unless the SHA-256 is the one it names.

    install_runners.py runners.json TARGET      programs end up as TARGET/bin/<name>; other files beside them in TARGET/<runner>/

An entry has ``url`` (fetched over https) or ``archive`` (a file beside runners.json), ``sha256`` and ``programs``: paths in the archive
(zip or tar). Standard library only. Doing it again installs nothing twice.
"""

import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any, Final

_ATTEMPTS: Final = 4
_SECONDS: Final = 60
_BLOCK: Final = 1 << 20


class Unfit(Exception):
    """What was fetched is not what was pinned, or is no archive."""


def install(name: str, entry: dict[str, Any], beside: Path, target: Path) -> None:
    """Install one runner. Raises Unfit, OSError."""
    folder, done = target / name, target / name / ".sha256"
    if done.exists() and done.read_text("utf-8") == entry["sha256"]:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        archive = Path(scratch) / "archive"
        if "archive" in entry:
            shutil.copyfile(beside / entry["archive"], archive)
        else:
            fetch(entry["url"], archive, entry.get("bytes", 0))
        check(archive, entry["sha256"], name)
        unpack(archive, folder)
    (target / "bin").mkdir(exist_ok=True)
    for program in entry["programs"]:
        found = (folder / program).resolve()
        if not found.is_file() or not found.is_relative_to(folder.resolve()):
            raise Unfit(f"{name}: the archive has no {program}")
        link = target / "bin" / found.name
        link.unlink(missing_ok=True)
        link.symlink_to(found)
        found.chmod(0o755)
    done.write_text(entry["sha256"], "utf-8")


def fetch(url: str, target: Path, most: int) -> None:
    """Download, with a few attempts; ``most`` bytes at most, if it is above 0."""
    if not url.startswith("https://"):
        raise Unfit(f"{url}: only https addresses are fetched")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _save(url, target, most)
        except (urllib.error.URLError, OSError) as error:
            if attempt == _ATTEMPTS:
                raise Unfit(f"{url}: {error}") from error
            time.sleep(attempt * 5)
        else:
            return


def _save(url: str, target: Path, most: int) -> None:
    size = 0
    with urllib.request.urlopen(url, timeout=_SECONDS) as source, target.open("wb") as file:  # noqa: S310 - https, see fetch
        while block := source.read(_BLOCK):
            size += len(block)
            if most and size > most:
                raise Unfit(f"{url}: more than the {most} bytes that were pinned")
            file.write(block)


def check(archive: Path, sha256: str, name: str) -> None:
    """Refuse what is not what was pinned. Raises Unfit."""
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise Unfit(f"{name}: its SHA-256 is {found}, pinned is {sha256}")


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or a tar, never outside ``folder``. Raises Unfit."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)  # noqa: S202 - zipfile keeps members inside by itself
            for entry in packed.infolist():
                mode = entry.external_attr >> 16 & 0o777
                if mode and not entry.is_dir():
                    (folder / entry.filename).chmod(mode | 0o644)
        return
    try:
        with tarfile.open(archive) as packed_tar:
            packed_tar.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise Unfit(f"neither a zip nor a sound tar: {error}") from error


def main(words: list[str]) -> int:
    """The command line."""
    listed, target = Path(words[0]), Path(words[1])
    target.mkdir(parents=True, exist_ok=True)
    entries: dict[str, dict[str, Any]] = json.loads(listed.read_text("utf-8"))
    for name, entry in sorted(entries.items()):
        try:
            install(name, entry, listed.parent, target)
        except (Unfit, OSError, KeyError) as error:
            sys.stderr.write(f"murmur: the runner {name} cannot be installed: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
