"""``murmur diff``: what deploying would change in the account."""

from __future__ import annotations

from argparse import Namespace

from murmur.cli import exits
from murmur.cli.aws import account_of, add_account, cdk_command, require_repository
from murmur.cli.parser import Parser
from murmur.cli.screen import note
from murmur.cli.verbs.deploy import add_choices, choices_of

EXAMPLES = """\
  murmur diff
  murmur diff --concurrency-cap 128 --spot
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_choices(parser)
    add_account(parser)


def execute(args: Namespace) -> int:
    """Show the difference; nothing is changed."""
    require_repository()
    from murmur.cli.deploying import Deployer, Plan  # noqa: PLC0415 - loads what only deploying needs

    plan = Plan(args.flock, choices_of(args), args.agent_archive, args.agent_program)
    cdk = cdk_command()
    account = account_of(args)
    account.identity()
    Deployer(account, cdk, note, lambda _: "").diff(plan)
    return exits.OK
