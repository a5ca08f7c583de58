"""``python -m murmur.simulate.replay SEED …``: run the scenarios of these seeds again, and tell what came of them.

A range is a slice of the nightly form: ``… replay 1-25000``, ``25001-50000`` and so on can run side by side, or one after the other. Every
hundred seeds it says on standard error how far it is; a seed that broke is told at once.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from murmur.simulate.profile import PROFILES
from murmur.simulate.scenario import scenario

PROGRESS_SEEDS: Final = 100


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 if an invariant broke."""
    parser = argparse.ArgumentParser(
        prog="python -m murmur.simulate.replay", description="Replay scenarios by their seeds."
    )
    parser.add_argument("seeds", nargs="+", help="a seed, or a range such as 100-199")
    parser.add_argument("--profile", choices=sorted(PROFILES), help="the weather, instead of what the seed draws")
    asked = parser.parse_args(arguments)
    broken = done = 0
    for text in asked.seeds:
        first, _, last = text.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            verdict = scenario(seed, PROFILES[asked.profile] if asked.profile else None)
            broken += not verdict.held
            done += 1
            if not verdict.held or first == text:
                sys.stdout.write(f"{verdict}\n")
                sys.stdout.flush()
            if done % PROGRESS_SEEDS == 0:
                sys.stderr.write(f"{done} scenarios, the last of seed {seed}; {broken} broken\n")
    sys.stdout.write(f"{broken} broken\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
