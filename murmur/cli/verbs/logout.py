"""``murmur logout``: make the sign-in to a deployed flock worthless, and forget it."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli import exits
from murmur.cli.parser import Parser
from murmur.cli.screen import say
from murmur.cli.signin import revoke
from murmur.cli.verbs.login import address

EXAMPLES = """\
  murmur logout
  murmur logout --flock docs
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--url", default="", help="the flock's address")
    parser.add_argument("--flock", default="", metavar="NAME", help="a flock this machine knows")


def execute(args: Namespace) -> int:
    """Sign out; it is no error if nobody was signed in."""
    url = address(args.url, args.flock)
    say(f"signed out of {url}" if revoke(url) else f"nobody was signed in to {url}")
    return exits.OK
