"""``murmur directive``: an extra instruction for one agent, or for all that a filter names."""

from __future__ import annotations

import argparse
from argparse import Namespace

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json, agent_number, text_argument
from murmur.cli.screen import note, print_json, say
from murmur.cli.text import clean, plural

EXAMPLES = """\
  murmur directive 3 "Look at the tables only."
  murmur directive 3 @extra.md
  murmur directive 3 --clear
  murmur directive --where 'idle and iteration < 3 and index in 0..7' "Check the index."
  murmur directive --where 'action contains "table"' --dry-run
  murmur directive --where all --clear
"""
_SHOWN = 40


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="[N] TEXT",
        help="the agent's number (not with --where), and the text, @file, or - for standard input",
    )
    parser.add_argument(
        "--where",
        metavar="FILTER",
        help="every agent this is true of: all, idle, failed, parked, working, missing, directed; index, iteration, turns; state; "
        "action, result, intent contains '…'; and, or, not, brackets",
    )
    parser.add_argument("--dry-run", action="store_true", help="with --where: only tell whom it would reach")
    parser.add_argument("--clear", action="store_true", help="take the instruction back")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Set or clear, for one or for many."""
    return _many(args) if args.where is not None else _one(args)


def _one(args: Namespace) -> int:
    if args.dry_run or not args.words or len(args.words) > 2 or args.clear == (len(args.words) == 2):
        raise UsageError("A directive is either a text or --clear, for one agent.", 'Write: murmur directive 3 "…".')
    try:
        agent = agent_number(args.words[0])
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{clean(error)}.", 'Write: murmur directive 3 "…", or use --where.') from None
    path = f"/cluster/agents/{agent}/directive"
    text = None if args.clear else text_argument(args.words[1])
    with Client.of(args) as client:
        answer = client.call("DELETE", path) if text is None else client.call("PUT", path, body={"text": text})
    if args.json:
        print_json(answer)
    else:
        say(f"directive of agent-{agent} {'cleared' if text is None else 'set'}")
    return exits.OK


def _many(args: Namespace) -> int:
    if len(args.words) > 1 or (args.clear and args.words) or not (args.words or args.clear or args.dry_run):
        raise UsageError(
            "With --where goes one text, or --clear, or --dry-run.", 'Write: murmur directive --where idle "…".'
        )
    body = {"where": args.where, "clear": args.clear, "dry_run": args.dry_run}
    if args.words:
        body["text"] = text_argument(args.words[0])
    with Client.of(args) as client:
        answer = client.call("POST", "/cluster/directives", body=body)
    if args.json:
        print_json(answer)
        return exits.OK
    say(told(answer))
    if not answer.get("agents"):
        note("Nobody is like that now; agents that come to be so later are not told.")
    return exits.OK


def told(answer: dict[str, object]) -> str:
    """What came of a directive to many, in a line."""
    named = answer.get("agents")
    agents = [clean(agent) for agent in named] if isinstance(named, list) else []
    did = "would reach" if answer.get("dry_run") else "cleared for" if answer.get("cleared") else "set for"
    shown = ", ".join(agents[:_SHOWN]) + (", …" if len(agents) > _SHOWN else "")
    of = clean(answer.get("of", "?"))
    return f"directive {did} {plural(len(agents), 'agent')} of {of}" + (f": {shown}" if agents else "")
