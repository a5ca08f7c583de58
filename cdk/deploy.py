"""``python -m cdk.deploy WORDS…``: the pinned CDK command over this app, for what `murmur deploy` has no word for.

python -m cdk.deploy list
python -m cdk.deploy diff -c flock=murmur -c email=you@example.org
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cdk.cli import Toolkit, ToolkitFailed
from murmur.errors import MurmurError


def main(words: Sequence[str] | None = None) -> int:
    """Run it; returns its exit status."""
    given = list(sys.argv[1:] if words is None else words)
    if not given:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        Toolkit().run(given)
    except ToolkitFailed as error:
        return error.status
    except MurmurError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
