"""``murmur allow-ip``: who may reach a deployed flock at all."""

from __future__ import annotations

from argparse import Namespace
from typing import Final

from murmur.cli import exits
from murmur.cli.account import Account
from murmur.cli.aws import account_of, add_account
from murmur.cli.deployment import networks, read_choices, stack_name, write_choices
from murmur.cli.parser import Parser, UsageError, add_json
from murmur.cli.screen import print_json, say
from murmur.errors import WrongState

EXAMPLES = """\
  murmur allow-ip                       # show who is let in
  murmur allow-ip auto                  # let in the address you come from as well
  murmur allow-ip 203.0.113.0/24 --replace
  murmur allow-ip 198.51.100.7 --remove
"""
_SETS: Final = (("IpSetV4", "."), ("IpSetV6", ":"))


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("network", nargs="*", help="an address, a CIDR, or auto (asks checkip.amazonaws.com)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--replace", action="store_true", help="let in these and no others")
    how.add_argument("--remove", action="store_true", help="let these in no longer")
    add_json(parser)
    add_account(parser)


def execute(args: Namespace) -> int:
    """Change the list, if networks were given, and show it. It holds within seconds, and the next deployment keeps it."""
    account = account_of(args)
    choices = read_choices(account, args.flock)
    before = [word for word in choices.get("allow_ip", "").split(",") if word]
    if args.network:
        now = _changed(before, networks(args.network), replace=args.replace, remove=args.remove)
        _apply(account, args.flock, now)
        write_choices(account, args.flock, {**choices, "allow_ip": ",".join(now)})
    else:
        now = before
    if args.json:
        print_json({"allowed": now})
    else:
        say("\n".join(now) or "nobody is let in")
    return exits.OK


def _changed(before: list[str], given: list[str], *, replace: bool, remove: bool) -> list[str]:
    if remove:
        strange = [network for network in given if network not in before]
        if strange:
            raise UsageError(f"{strange[0]} is not let in as such.", "`murmur allow-ip` shows the networks there are.")
        return [network for network in before if network not in given]
    return given if replace else list(dict.fromkeys([*before, *given]))


def _apply(account: Account, flock: str, allowed: list[str]) -> None:
    stack = account.stack(stack_name(flock))
    for output, sign in _SETS:
        if output not in stack.outputs:
            raise WrongState(
                f"There is no flock {flock!r} deployed in {account.region}.",
                "Deploy it first, or give --flock and --region.",
            )
        account.allow(stack.outputs[output], [network for network in allowed if sign in network])
