"""``murmur queues``: every agent's inbox and rule; one agent's last deliveries; a look at what waits."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json, agent_number
from murmur.cli.screen import console, note, print_json, say, show_table, table
from murmur.cli.shapes import Counters, Inbox
from murmur.cli.text import clean, clock_time

EXAMPLES = """\
  murmur queues
  murmur queues 3
  murmur queues 3 --peek
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("agent", nargs="?", type=agent_number, metavar="N", help="one agent: its rule and deliveries")
    parser.add_argument(
        "--peek", action="store_true", help="receive up to 10 waiting messages and put them back (SQS counts a receive)"
    )
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Show."""
    if args.peek and args.agent is None:
        raise UsageError("--peek looks into one queue.", "Write: murmur queues 3 --peek.")
    with Client.of(args) as client:
        if args.agent is None:
            found = client.get("/cluster/queues")
        elif args.peek:
            found = client.call("POST", f"/cluster/queues/{args.agent}/peek", body={})
        else:
            found = client.get(f"/cluster/queues/{args.agent}")
    if args.json:
        print_json(found)
    elif args.peek:
        _peeked(found)
    elif args.agent is not None:
        _one(found)
    else:
        _all(found.get("queues", []))
    return exits.OK


def _all(queues: list[dict[str, Any]]) -> None:
    if not queues:
        note("No queues: they are made when a run starts.")
        return
    grid = table("agent", "waiting", "in flight", "dead", "wakes", "gated", "rescues", "queue", flexible=("queue",))
    for queue in queues:
        inbox, counted = Inbox.parse(queue.get("inbox")), Counters.parse(queue.get("counters"))
        depth = ("-", "-", "-") if inbox is None else (str(inbox.visible), str(inbox.in_flight), str(inbox.dead))
        sums = (str(counted.wakes), str(counted.gated), str(counted.rescues))
        grid.add_row(f"agent-{clean(queue.get('agent', '?'))}", *depth, *sums, clean(queue.get("queue", "")))
    show_table(grid)


def _one(queue: dict[str, Any]) -> None:
    out = console()
    inbox = Inbox.parse(queue.get("inbox"))
    out.print(f"agent-{clean(queue.get('agent', '?'))}")
    out.print(f"queue    {clean(queue.get('queue', ''))}", soft_wrap=True)
    out.print(f"rule     {clean(queue.get('rule', ''))}", soft_wrap=True)
    out.print(f"woken by {woken_by(queue.get('pattern'))}", soft_wrap=True)
    out.print(f"waiting  {inbox.visible}, in flight {inbox.in_flight}, dead {inbox.dead}" if inbox else "waiting  ?")
    grid = table("received", "object", "version", "receives", "became", flexible=("object",))
    for delivery in queue.get("deliveries", []):
        turn = delivery.get("iteration")
        became = clean(delivery.get("became", "")) + (f" #{clean(turn)}" if turn is not None else "")
        grid.add_row(
            clock_time(str(delivery.get("received", ""))),
            clean(delivery.get("key", "")),
            clean(delivery.get("version", ""), 12),
            clean(delivery.get("receives", "")),
            became,
        )
    if grid.row_count:
        show_table(grid)
    else:
        say("no deliveries yet")


def _peeked(found: dict[str, Any]) -> None:
    for message in found.get("messages", []):
        say(clean(message, 2000))
    if not found.get("messages"):
        say("nothing waits")
    if found.get("note"):
        note(clean(found["note"]))


def woken_by(pattern: object) -> str:
    """The keys an EventBridge pattern lets through, in words."""
    try:
        listed = pattern["detail"]["object"]["key"]  # type: ignore[index]
    except (KeyError, TypeError):
        return "unknown"
    words = []
    for key in listed:
        but = key.get("anything-but") if isinstance(key, dict) else None
        words.append("anything but " + ", ".join(map(clean, but)) if isinstance(but, list) else clean(key))
    return ", ".join(words)
