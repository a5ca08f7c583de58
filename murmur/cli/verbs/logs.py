"""``murmur logs``: what one agent did, turn by turn."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterable
from typing import Any, Final

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, add_flock, agent_number, natural
from murmur.cli.screen import note, say
from murmur.cli.shapes import Entry
from murmur.cli.text import clock_time, duration

EXAMPLES = """\
  murmur logs 3
  murmur logs 3 --after 10 --follow
  murmur logs 3 --json | jq -r .result
"""
_ASK_SECONDS: Final = 1.0


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("agent", type=agent_number, metavar="N", help="the agent's number")
    parser.add_argument("--after", type=natural, default=-1, metavar="ITERATION", help="only entries behind this one")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with new entries, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, as the agent wrote it")
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Print, and follow."""
    with Client.of(args) as client:
        run = str(client.status().get("run", "")) if args.follow else ""
        after, count = _print(args, client.log(args.agent, args.after), args.after)
        if not count and not args.json:
            note(f"agent-{args.agent} has no entries" + (f" after {args.after}." if args.after >= 0 else " yet."))
        while args.follow:
            time.sleep(_ASK_SECONDS)
            now = str(client.status().get("run", ""))
            if now != run:
                run, after = now, -1
                note(f"a new run began: {now}")
            after, _ = _print(args, client.log(args.agent, after), after)
    return exits.OK


def _print(args: Namespace, values: Iterable[dict[str, Any]], after: int) -> tuple[int, int]:
    """Print the entries; returns the newest iteration and how many there were."""
    count = 0
    for value in values:
        entry = Entry.parse(args.agent, value)
        if entry is None:
            continue
        count += 1
        after = max(after, entry.iteration)
        say(json.dumps(value) if args.json else _shown(entry))
    sys.stdout.flush()
    return after, count


def _shown(entry: Entry) -> str:
    took = f", took {duration(entry.turn_ms / 1000)}" if entry.turn_ms else ""
    heard = f", heard after {entry.wake_ms} ms" if entry.wake_ms is not None else ""
    lines = [f"#{entry.iteration}  {clock_time(entry.ts)}  {entry.why}{heard}{took}  {entry.state}"]
    if entry.stop_reason not in ("", "end_turn"):
        lines[0] += f"  [{entry.stop_reason}]"
    lines += [f"    {name:<7}{text}" for name, text in (("did", entry.action), ("result", entry.result)) if text]
    if entry.next_intent:
        lines.append(f"    next   {entry.next_intent}")
    lines += [f"    file   {name}" for name in entry.files]
    lines += [f"    refused {words}" for words in entry.refused]
    lines += [f"    doubt  {words}" for words in entry.doubts]
    return "\n".join(lines)
