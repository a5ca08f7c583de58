"""``murmur doctor``: is everything here that a flock needs, and does it work."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from murmur.cli import exits
from murmur.cli.aws import account_of, add_account, require_repository
from murmur.cli.brain import add_model_options, offer_model
from murmur.cli.checks import Check, examine, made, runner_turn
from murmur.cli.parser import Parser, add_json, positive
from murmur.cli.screen import console, print_json

EXAMPLES = """\
  murmur doctor
  murmur doctor --fast
  murmur doctor --json
  murmur doctor --runner kiro
  murmur doctor --runner model --model ollama:qwen3
  murmur doctor --aws                       # the account, and the flock deployed there
"""
_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--fast", action="store_true", help="leave out the real run of a small scripted flock")
    parser.add_argument("--runner", metavar="NAME", help="only this: one real turn with the runner of that name")
    parser.add_argument("--model", default="", help="model name handed to that runner")
    add_model_options(parser)
    parser.add_argument(
        "--seconds", type=positive, default=300.0, metavar="S", help="what that turn may take (default: 300)"
    )
    parser.add_argument("--aws", action="store_true", help="only this: the AWS account, and the flock deployed there")
    add_json(parser)
    add_account(parser)


def execute(args: Namespace) -> int:
    """Check; 1 if anything failed."""
    found: list[Check] = []
    for check in _checks(args):
        found.append(check)
        if not args.json:
            _show(check)
    failed = any(check.state == "failed" for check in found)
    if args.json:
        print_json({"ok": not failed, "checks": [asdict(check) for check in found]})
    return exits.ERROR if failed else exits.OK


def _checks(args: Namespace) -> Iterator[Check]:
    if args.aws:
        require_repository()
        from murmur.cli.aws_checks import examine_aws  # noqa: PLC0415 - boto3 takes a while to load

        yield from examine_aws(account_of(args), args.flock)
    elif args.runner:
        offer_model(args.runner, args.model, args.model_context, args.model_prices)
        yield made(lambda: runner_turn(args.runner, args.model, args.seconds), args.runner)
    else:
        yield from examine(fast=args.fast)


def _show(check: Check) -> None:
    from rich.text import Text  # noqa: PLC0415 - only drawn for people

    out = console()
    mark = Text(f"{check.state:<8}", style=_STYLES[check.state])
    out.print(Text.assemble(mark, f"{check.name:<11} {check.detail}"), soft_wrap=True)
    if check.remedy:
        out.print(f"        → {check.remedy}", soft_wrap=True)
