"""``murmur history``: earlier runs, or one of them."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, Final
from urllib.parse import quote

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, add_flock, add_json
from murmur.cli.screen import console, note, print_json, show_table, table
from murmur.cli.text import clean, plural, size

_RUNS: Final = 200
EXAMPLES = """\
  murmur history
  murmur history 20261123T053236Z
  murmur history --json | jq -r '.runs[].run'
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="one run, as the list names it")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """List the runs, or show one."""
    with Client.of(args) as client:
        found = _one(client, args.run) if args.run else client.get("/cluster/history", limit=_RUNS)
    if args.json:
        print_json(found)
    elif args.run:
        _show(found)
    else:
        _list(found.get("runs", []))
        if found.get("more"):
            note(f"only the newest {_RUNS} runs are shown")
    return exits.OK


def _one(client: Client, run: str) -> dict[str, Any]:
    """A run with all of its files, whose pages are put together."""
    path = f"/cluster/history/{quote(run, safe='')}"
    found: dict[str, Any] = client.get(path)
    page = found
    while page.get("more") and page.get("files"):
        page = client.get(path, after=page["after"])
        found["files"] += page["files"]
    return {name: value for name, value in found.items() if name not in ("more", "after")}


def _list(runs: list[dict[str, Any]]) -> None:
    if not runs:
        note("No earlier runs. The current one moves here when the next is started.")
        return
    grid = table("run", "started", "entries", "files", right=("entries", "files"))
    for run in runs:
        grid.add_row(*(clean(run.get(name, "")) for name in ("run", "started", "entries", "files")))
    show_table(grid)


def _show(found: dict[str, Any]) -> None:
    out = console()
    files = found.get("files", [])
    out.print(f"run {clean(found.get('run', ''))}, {plural(len(files), 'file')}")
    agents = table("agent", "entries", right=("entries",))
    for agent in found.get("agents", []):
        agents.add_row(f"agent-{clean(agent.get('id', ''))}", clean(agent.get("entries", "")))
    show_table(agents)
    if files:
        grid = table("file", "size", flexible=("file",), right=("size",))
        for file in files:
            row = file if isinstance(file, dict) else {"key": file}
            grid.add_row(clean(row.get("key", "")), size(int(row.get("size", 0))))
        show_table(grid)
