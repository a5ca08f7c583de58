"""``./dev bench``: runs the benchmarks named, or all."""

from __future__ import annotations

import asyncio
import sys

from tests.bench import pixel, resources, wake

BENCHES = {"wake": wake.main, "resources": resources.main, "pixel": pixel.main}


def main(names: list[str]) -> int:
    """Run them one after the other; returns the exit status."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}; there are {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        asyncio.run(BENCHES[name]())
    return 0


sys.exit(main(sys.argv[1:]))
