"""``murmur deploy``: a flock in your own AWS account, made or brought up to date."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

from murmur.cli import exits
from murmur.cli.aws import account_of, add_account, cdk_command, require_repository
from murmur.cli.known import Known, remember
from murmur.cli.parser import Parser, UsageError, add_json, text_argument, whole
from murmur.cli.screen import note, print_json, say

EXAMPLES = """\
  murmur deploy --email you@example.org                        # the first time; your own address is let in
  murmur deploy                                                # again, with the choices of before
  murmur deploy --runners scripted,kiro --concurrency-cap 64   # asks once for kiro's API key
  murmur deploy --allow-ip 203.0.113.0/24 --allow-ip auto --spot
"""
_FIRST: Final = {"allow_ip": "auto"}


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_choices(parser)
    parser.add_argument(
        "--api-key-file", metavar="FILE", help="take the API key from a file, or from standard input (-)"
    )
    parser.add_argument("--new-key", action="store_true", help="replace the API key that is stored")
    parser.add_argument("--yes", action="store_true", help="do not ask before permissions are widened")
    add_json(parser)
    add_account(parser)


def add_choices(parser: Parser) -> None:
    """What can be chosen; kept in the account, so that it need not be said again."""
    group = parser.add_argument_group("choices (those left out stay as they were)")
    group.add_argument("--email", help="who signs in first, and is told of alarms; needed the first time")
    group.add_argument(
        "--allow-ip",
        action="append",
        metavar="NETWORK",
        help="who may reach it: an address, a CIDR, or auto (asks checkip.amazonaws.com which address you come from); repeatable",
    )
    group.add_argument("--concurrency-cap", type=whole, metavar="N", help="most agents a run may ask for (default: 64)")
    group.add_argument(
        "--runners", "--runner", metavar="NAMES", help="runners to choose from, comma-separated (default: scripted)"
    )
    group.add_argument("--spot", action="store_const", const="true", help="launch Spot instances")
    group.add_argument("--no-spot", dest="spot", action="store_const", const="false", help="launch on demand")
    group.add_argument("--agent-command", metavar="COMMAND", help="what the runner 'custom' starts")
    group.add_argument(
        "--agent-archive", type=Path, metavar="FILE", help="zip or tar with that agent, for Linux on arm64"
    )
    group.add_argument(
        "--agent-program", action="append", default=[], metavar="PATH", help="a program in it (repeatable)"
    )
    group.add_argument("--agent-env", metavar="NAME", help="the variable that agent takes its API key from")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another parameter of the stack, such as log_days=90",
    )


def execute(args: Namespace) -> int:
    """Deploy, and say where the flock is."""
    require_repository()
    from murmur.cli.deploying import Deployer, Plan  # noqa: PLC0415 - loads what only deploying needs
    from murmur.cli.deployment import read_choices  # noqa: PLC0415 - as above

    given = choices_of(args)
    cdk = cdk_command(aside=True)
    account = account_of(args)
    plan = Plan(args.flock, given, args.agent_archive, args.agent_program, args.new_key, args.yes)
    deployer = Deployer(account, cdk, note, lambda variable: _key(args.api_key_file, variable))
    if "allow_ip" not in given and "allow_ip" not in read_choices(account, args.flock):
        plan = Plan(plan.flock, {**given, **_auto()}, plan.archive, plan.programs, plan.new_key, plan.assume_yes)
    made = deployer.deploy(plan)
    remember(Known(args.flock, made.url, account.region, args.profile or os.environ.get("AWS_PROFILE", "")))
    if args.json:
        print_json({"flock": args.flock, "url": made.url, "bucket": made.bucket, "outputs": dict(made.stack.outputs)})
        return exits.OK
    say(f"\ndashboard  {made.url}\nresults    s3://{made.bucket}/")
    say(f"sign in    murmur login --flock {args.flock}   (the first password comes by e-mail)")
    say(f"start      murmur --flock {args.flock} start --direction '…'")
    return exits.OK


def choices_of(args: Namespace) -> dict[str, str]:
    """The choices that were given, as parameters of the stack. Raises UsageError, InvalidInput, Unavailable."""
    from murmur.cli.deploying import CUSTOM_KEY, check_given, custom_allowed  # noqa: PLC0415 - see execute
    from murmur.cli.deployment import networks  # noqa: PLC0415 - see execute

    cap = args.concurrency_cap
    given = {
        "email": args.email,
        "concurrency_cap": None if cap is None else str(cap),
        "runners": args.runners,
        "spot": args.spot,
        "custom_command": args.agent_command,
        CUSTOM_KEY: args.agent_env,
        "allow_ip": ",".join(networks(args.allow_ip)) if args.allow_ip else None,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    for pair in args.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--set {pair}: there is no value.", "Write it as NAME=VALUE.")
        chosen[name.replace("-", "_")] = value
    check_given(chosen)
    custom_allowed(chosen, args.agent_archive)
    return chosen


def _auto() -> dict[str, str]:
    from murmur.cli.deployment import networks  # noqa: PLC0415 - see execute

    found = networks([_FIRST["allow_ip"]])
    note(
        f"only {found[0]} is let in, the address you come from (asked of checkip.amazonaws.com); --allow-ip changes that"
    )
    return {"allow_ip": ",".join(found)}


def _key(file: str | None, variable: str) -> str:
    """The API key: from the file that was named, else from whoever sits at the terminal. Raises UsageError."""
    if file:
        return text_argument(file if file == "-" else f"@{file}")
    if not sys.stdin.isatty():
        raise UsageError(f"An API key ({variable}) is needed, and nobody can be asked.", "Give --api-key-file FILE.")
    return getpass.getpass(f"API key for the flock ({variable}; it is not shown, and stored encrypted): ")
