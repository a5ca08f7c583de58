"""Which modules are mutated, and the fast tests that are there for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CORE: Final = "tests/property/test_core.py"
GATE: Final = "tests/property/test_gate.py"


@dataclass(frozen=True, slots=True)
class Target:
    """A module, and the tests that must notice what is changed in it: the quickest first, the first that fails ends it."""

    module: str
    tests: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where it lies, from the root of the project."""
        return self.module.replace(".", "/") + ".py"


TARGETS: Final = {
    "gate": Target("murmur.gate", ("tests/unit/test_gate.py", GATE)),
    "quiet": Target("murmur.quiet", ("tests/unit/test_quiet.py", GATE)),
    "ring": Target("murmur.ring", ("tests/unit/test_ring.py", CORE)),
    "entry": Target("murmur.entry", ("tests/unit/test_entry.py", CORE)),
    "keys": Target("murmur.keys", ("tests/unit/test_keys.py", CORE)),
    "paths": Target("agent.tools.paths", ("tests/unit/test_desk_paths.py",)),
}
"""The rules everything else rests on, by the name that ``./dev mutate`` takes."""
