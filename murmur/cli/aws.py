"""What the verbs about AWS share: whose account, which region, which flock; and the door to the stack's own tools."""

from __future__ import annotations

import argparse
import importlib.util
import os
from typing import TYPE_CHECKING, Final

from murmur.cli.known import maybe
from murmur.cli.parser import UsageError
from murmur.errors import Unavailable

if TYPE_CHECKING:
    from murmur.cli.account import Account
    from murmur.cli.deploying import CdkCommand

DEFAULT_FLOCK: Final = "murmur"
_OWN_CREDENTIALS: Final = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID")
"""Where one of these is set, the environment says whose account it is, and not what this machine remembers."""


def add_account(parser: argparse.ArgumentParser) -> None:
    """``--flock``, ``--region``, ``--profile``."""
    group = parser.add_argument_group("which flock, in which account")
    group.add_argument(
        "--flock", default=DEFAULT_FLOCK, metavar="NAME", help=f"the flock's name (default: {DEFAULT_FLOCK})"
    )
    group.add_argument(
        "--region", default="", help="AWS region (default: where it was deployed from here, else AWS_REGION)"
    )
    group.add_argument(
        "--profile", default="", help="AWS profile (default: the one it was deployed with, else AWS_PROFILE)"
    )


def account_of(args: argparse.Namespace) -> Account:
    """The account the arguments mean. Raises NoAccess, UsageError."""
    from murmur.cli.account import Account  # noqa: PLC0415 - boto3 takes a while to load

    before = maybe(args.flock)
    region = args.region or (before.region if before else "")
    profile = args.profile
    if not profile and before is not None and not any(os.environ.get(name) for name in _OWN_CREDENTIALS):
        profile = before.profile
    return Account.of(profile, region)


def cdk_command(*, aside: bool = False) -> CdkCommand:
    """The pinned CDK command; ``aside``: it prints on standard error. Raises Unavailable where what it needs is not installed."""
    if importlib.util.find_spec("aws_cdk") is None:
        raise Unavailable(
            "What the stack is made with is not installed (it is large, and only deploying needs it).",
            "Run it as `./dev murmur deploy …` in the repository, which installs it once.",
        )
    from cdk.cli import Toolkit  # noqa: PLC0415 - see above

    return Toolkit(aside=aside)


def require_repository() -> None:
    """Deploying is done from the repository, where the stack and the dashboard are. Raises UsageError."""
    if importlib.util.find_spec("cdk") is None:
        raise UsageError(
            "Deploying needs Murmur's repository: the stack and the dashboard are in it.",
            "Clone it, and run `./dev murmur deploy` there.",
        )
