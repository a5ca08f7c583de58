"""``murmur queues``: every agent's inbox and rule; one agent's last deliveries; a look at what waits; redrive and purge."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace
from typing import Any

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json, agent_number, nearest
from murmur.cli.screen import console, note, print_json, say, show_table, table
from murmur.cli.shapes import Counters, Inbox
from murmur.cli.text import clean, clock_time

EXAMPLES = """\
  murmur queues
  murmur queues 3
  murmur queues peek 3
  murmur queues redrive 3
  murmur queues purge 3 --yes
"""
_DOES = ("peek", "redrive", "purge")


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "what",
        nargs="*",
        metavar="[peek|redrive|purge] N",
        help="N alone: its rule and deliveries; peek: receive up to 10 waiting messages and put them back (SQS counts a receive); "
        "redrive: put its dead letters back into its queue; purge: throw away what its queue holds",
    )
    parser.add_argument("--peek", action="store_true", help="the same as: murmur queues peek N")
    parser.add_argument("--yes", action="store_true", help="purge without asking")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Show."""
    does, agent = _asked(args)
    if does == "purge" and not args.yes and not _sure(agent):
        note("Nothing was thrown away.")
        return exits.OK
    with Client.of(args) as client:
        if does:
            found = client.call("POST", f"/cluster/queues/{agent}/{does}", body={})
        else:
            found = client.get("/cluster/queues" + (f"/{agent}" if agent is not None else ""))
    if args.json:
        print_json(found)
    else:
        show = {"peek": _peeked, "redrive": _redriven, "purge": _purged, "": _all if agent is None else _one}[does]
        show(found)
    return exits.OK


def _asked(args: Namespace) -> tuple[str, int | None]:
    """What to do, and with whose queue. Raises UsageError."""
    words = list(args.what)
    does = words.pop(0) if words and words[0] in _DOES else ""
    if len(words) > 1 and not does and not words[0].removeprefix("agent-").isdigit():
        raise UsageError(
            f"{clean(words[0], 40)!r} is nothing that can be done to a queue.{nearest(words[0], _DOES)}",
            f"Write: murmur queues {' or '.join(_DOES)}, and the agent's number.",
        )
    if len(words) > 1 or (args.peek and does not in ("", "peek")):
        raise UsageError("That is not a request to one queue.", "Write: murmur queues 3, or murmur queues purge 3.")
    does = "peek" if args.peek else does
    if not words:
        if does:
            raise UsageError(f"{does} is for one queue.", f"Write: murmur queues {does} 3.")
        return "", None
    try:
        return does, agent_number(words[0])
    except ArgumentTypeError as error:
        raise UsageError(
            f"{clean(words[0], 40)}: {error}.", "Write: murmur queues 3, or murmur queues peek 3."
        ) from None


def _sure(agent: int | None) -> bool:
    """Whether the person at the terminal means it. Raises UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError("A purge throws messages away, and nobody can be asked here.", "Add --yes if that is meant.")
    return input(f"Throw away every message that waits for agent-{agent}? [y/N] ").strip().lower() in ("y", "yes")


def _redriven(found: dict[str, Any]) -> None:
    say(
        f"{clean(found.get('moved', '?'))} dead letters are back in the queue of agent-{clean(found.get('agent', '?'))}"
    )


def _purged(found: dict[str, Any]) -> None:
    say(f"about {clean(found.get('messages', '?'))} messages of agent-{clean(found.get('agent', '?'))} thrown away")
    note("What changed is still found: the agent looks for itself after its interval.")


def _all(found: dict[str, Any]) -> None:
    queues: list[dict[str, Any]] = found.get("queues", [])
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
    if found.get("dead_letters"):
        note(
            f"{clean(found['dead_letters'])} dead letters in all; murmur queues redrive N puts those of one agent back."
        )


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
