"""``murmur login``: sign in to a deployed flock, through the browser."""

from __future__ import annotations

import webbrowser
from argparse import Namespace

from murmur.cli import exits
from murmur.cli.find import target
from murmur.cli.known import Known, known_names, maybe, recall, remember
from murmur.cli.parser import Parser, UsageError, add_json
from murmur.cli.screen import note, print_json, say
from murmur.cli.signin import directory, sign_in, sign_out

EXAMPLES = """\
  murmur login                          # the flock deployed from this machine
  murmur login --flock docs
  murmur login --url https://….execute-api.eu-west-1.amazonaws.com/app/ --flock docs     # and remember it as docs
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--url", default="", help="the flock's address: the one its dashboard is opened with")
    parser.add_argument(
        "--flock", default="", metavar="NAME", help="a flock this machine knows, or the name to remember --url by"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address to open, and do not open it")
    add_json(parser)


def execute(args: Namespace) -> int:
    """Sign in; the sign-in is kept and renewed until `murmur logout`."""
    url = address(args.url, args.flock)
    where = directory(url)
    if where is None:
        say(f"The flock at {url} asks for no sign-in.")
        return exits.OK
    sign_out(url)

    def browse(page: str) -> None:
        note(f"Sign in at {page}")
        if not args.no_browser:
            webbrowser.open(page)

    made = sign_in(url, where, browse)
    if args.url and args.flock:
        before = maybe(args.flock)
        remember(Known(args.flock, url, before.region if before else "", before.profile if before else ""))
    if args.json:
        print_json({"url": url, "expires": int(made.expires)})
    else:
        name = args.flock or next((n for n in known_names() if recall(n).url == url), "")
        say(f"signed in to {url}" + (f"; use it as `murmur --flock {name} status`" if name else ""))
    return exits.OK


def address(url: str, flock: str) -> str:
    """The address meant: given, known by name, or the only one this machine knows. Raises UsageError, NotFound."""
    if url:
        return target(Namespace(url=url, flock="", home=None)).url
    if not flock:
        names = known_names()
        if len(names) != 1:
            shown = ", ".join(names) or "none"
            raise UsageError(
                f"Which flock? This machine knows {shown}.", "Say --flock NAME, or --url with its address."
            )
        flock = names[0]
    return recall(flock).url.rstrip("/")
