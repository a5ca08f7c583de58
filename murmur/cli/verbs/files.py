"""``murmur files``: what the flock produced: list it, print one, download all of it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from murmur import keys
from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json
from murmur.cli.results import check_folder, pull
from murmur.cli.screen import note, print_json, say, show_table, table
from murmur.cli.text import clean, clean_block, plural, size

EXAMPLES = """\
  murmur files
  murmur files get index.md
  murmur files pull result
  murmur files zip result.zip
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", nargs="?", default="ls", choices=("ls", "get", "pull", "zip"), help="default: ls")
    parser.add_argument(
        "target",
        nargs="?",
        metavar="TARGET",
        help="get: the file's path. pull: a folder. zip: the archive (output.zip)",
    )
    parser.add_argument("--force", action="store_true", help="pull into a folder that is not empty")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """List, print or download."""
    if args.action in ("get", "pull") and not args.target:
        what = "a file's path" if args.action == "get" else "a folder"
        raise UsageError(f"`files {args.action}` needs {what}.", "See `murmur files --help` for an example.")
    if args.action == "ls" and args.target:
        raise UsageError("`files ls` takes no argument.", f"To print one file: murmur files get {args.target}.")
    if args.action == "pull":
        check_folder(Path(args.target), force=args.force)
    with Client.of(args) as client:
        if args.action == "get":
            return _get(client, args.target)
        if args.action == "zip":
            return _zip(client, Path(args.target or "output.zip"))
        files = client.listing("/cluster/habitat")
        if args.action == "pull":
            return _pull(client, files, Path(args.target), json=args.json)
        return _list(files, json=args.json)


def _list(files: Iterable[dict[str, Any]], *, json: bool) -> int:
    found = list(files)
    if json:
        print_json({"files": found})
        return exits.OK
    if not found:
        note("Nothing in output/ yet.")
        return exits.OK
    grid = table("file", "size", "modified", "by", flexible=("file",), right=("size",))
    for file in found:
        agent, iteration = file.get("agent"), file.get("iteration")
        by = "" if agent is None else f"agent-{clean(agent)}" + ("" if iteration is None else f" #{clean(iteration)}")
        name = clean(str(file["key"]).removeprefix(keys.OUTPUT))
        grid.add_row(name, size(int(file.get("size", 0))), clean(file.get("modified", ""))[:19], by)
    show_table(grid)
    return exits.OK


def _get(client: Client, path: str) -> int:
    key = path if path.startswith(keys.OUTPUT) else keys.OUTPUT + path
    with tempfile.TemporaryFile() as held:  # whole before any of it is printed: a part of a file is worse than none
        client.file(key, held)
        held.seek(0)
        if sys.stdout.isatty():
            say(clean_block(held.read().decode("utf-8", "replace")).rstrip("\n"))
        else:
            shutil.copyfileobj(held, sys.stdout.buffer)
            sys.stdout.flush()
    return exits.OK


def _pull(client: Client, files: Iterable[dict[str, Any]], folder: Path, *, json: bool) -> int:
    results = pull(client, files, folder)
    if json:
        print_json(
            {
                "folder": str(folder),
                "files": [{"path": file.path, "size": file.size} for file in results.copied],
                "not_copied": [{"key": item.key, "why": item.why} for item in results.left],
            }
        )
    else:
        say(f"{plural(len(results.copied), 'file')} in {folder}")
    for item in results.left:
        note(f"not copied: {item.key}: {item.why}")
    return exits.ERROR if results.left else exits.OK


def _zip(client: Client, target: Path) -> int:
    if target.exists():
        raise UsageError(f"{target} exists.", "Name another file, or remove it first.")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            client.save("/cluster/habitat.zip", file)
        part.replace(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.", "Name a file you may write.") from error
    finally:
        part.unlink(missing_ok=True)
    say(f"{target} ({size(target.stat().st_size)})")
    return exits.OK
