"""`./dev synth`: writes the CloudFormation template to cdk.out/ below the work tree. No account, no system Node, no Docker.

python -m cdk.synth [-c NAME=VALUE]… [--out FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cdk.parameters import Parameters
from murmur.errors import MurmurError

DEFAULT_OUT = Path(__file__).resolve().parents[1] / "cdk.out"


def main(arguments: Sequence[str] | None = None) -> int:
    """Synthesise; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./dev synth", description="Write the AWS stack's template.")
    parser.add_argument("-c", dest="context", action="append", default=[], metavar="NAME=VALUE", help="a parameter")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="where to (default: cdk.out)")
    chosen = parser.parse_args(arguments)
    if off := next((pair for pair in chosen.context if "=" not in pair), ""):
        parser.error(f"-c {off}: write it as NAME=VALUE")
    try:
        template = synthesise(dict(pair.split("=", 1) for pair in chosen.context), chosen.out)
    except MurmurError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        return 1
    sys.stdout.write(f"{template}\n")
    return 0


def synthesise(context: dict[str, str], out: Path) -> Path:
    """Write the cloud assembly afresh; returns the template's path. Raises InvalidConfig, Unavailable."""
    Parameters.from_context(context)
    from cdk.app import make_app  # noqa: PLC0415 - loading aws_cdk takes seconds, and --help should not

    if out.exists():
        shutil.rmtree(out)  # a stale asset would otherwise be taken for a new one
    make_app(context, out).synth()
    return next(out.glob("*.template.json"))


if __name__ == "__main__":
    sys.exit(main())
