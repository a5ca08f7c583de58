"""``murmur directive``: an extra instruction for one agent."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json, agent_number, text_argument
from murmur.cli.screen import print_json, say

EXAMPLES = """\
  murmur directive 3 "Look at the tables only."
  murmur directive 3 @extra.md
  murmur directive 3 --clear
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("agent", type=agent_number, metavar="N", help="the agent's number")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the text, @file, or - for standard input")
    parser.add_argument("--clear", action="store_true", help="take the instruction back")
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Set or clear."""
    if args.clear == (args.text is not None):
        raise UsageError("A directive is either a text or --clear.", 'Write: murmur directive 3 "…".')
    path = f"/cluster/agents/{args.agent}/directive"
    text = None if args.clear else text_argument(args.text)
    with Client.of(args) as client:
        answer = client.call("DELETE", path) if text is None else client.call("PUT", path, body={"text": text})
    if args.json:
        print_json(answer)
    else:
        say(f"directive of agent-{args.agent} {'cleared' if text is None else 'set'}")
    return exits.OK
