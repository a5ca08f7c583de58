"""``murmur destroy``: take a deployed flock away."""

from __future__ import annotations

import sys
from argparse import Namespace

from murmur.cli import exits
from murmur.cli.aws import account_of, add_account
from murmur.cli.destroying import Destroyer
from murmur.cli.known import forget, maybe
from murmur.cli.parser import Parser, UsageError
from murmur.cli.screen import note, say
from murmur.cli.signin import sign_out

EXAMPLES = """\
  murmur destroy                            # stops the flock, deletes the stack, keeps the bucket with all results
  murmur destroy --delete-data              # also deletes the bucket, the API key and the choices; asks for the name
  murmur destroy --flock docs --yes
  murmur destroy --flock docs --delete-data --confirm docs
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--delete-data", action="store_true", help="delete results, logs, history and the API key, too")
    parser.add_argument(
        "--confirm", default="", metavar="NAME", help="the flock's name, instead of typing it (--delete-data)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask (the results stay)")
    add_account(parser)


def execute(args: Namespace) -> int:
    """Destroy; it is no error if there was nothing."""
    account = account_of(args)
    who = account.identity()
    where = f"{args.flock!r} in {who.region} of account {who.account}"
    if args.delete_data:
        _typed(args.flock, args.confirm, where)
    elif not args.yes:
        _agreed(where)
    there = Destroyer(account, args.flock, note).destroy(delete_data=args.delete_data)
    known = maybe(args.flock)
    if known is not None and there:
        sign_out(known.url.rstrip("/"))
        forget(args.flock)
    kept = "" if args.delete_data else "; its bucket is kept, `murmur deploy` takes it up again"
    say(f"destroyed {where}{kept}" if there else f"there was no flock {where}")
    return exits.OK


def _typed(flock: str, confirm: str, where: str) -> None:
    note(f"This deletes the flock {where} with all its results, logs and history. It cannot be undone.")
    if not confirm:
        confirm = _asked(f"Type its name ({flock}) to go on: ", "--confirm NAME")
    if confirm.strip() != flock:
        raise UsageError(
            "That is not its name; nothing was done.", "Type the name exactly, or leave --delete-data away."
        )


def _agreed(where: str) -> None:
    if _asked(f"Stop and delete the flock {where}? Its results stay. [y/N] ", "--yes").strip().lower() not in (
        "y",
        "yes",
    ):
        raise UsageError("Nothing was done.", "Answer y, or give --yes.")


def _asked(question: str, instead: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked here.", f"Give {instead}.")
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()
