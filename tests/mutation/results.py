"""What the last run of each module found, kept in results.json beside this file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.mutation.mutants import Mutant

TARGET: Final = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no test noticed."""

    kind: str
    line: int
    where: str
    before: str
    after: str

    @classmethod
    def of(cls, mutant: Mutant) -> Survivor:
        """The mutant without its tree."""
        return cls(mutant.kind, mutant.line, mutant.where, mutant.before, mutant.after)


@dataclass(frozen=True, slots=True)
class Result:
    """One module's run. ``source`` is the beginning of the SHA-256 of the module as it was then."""

    path: str
    tests: tuple[str, ...]
    source: str
    date: str
    mutants: int
    killed: int
    timeouts: int
    survivors: tuple[Survivor, ...]

    @property
    def score(self) -> float:
        """The share that was noticed, endless loops included."""
        return (self.killed + self.timeouts) / self.mutants


def fingerprint(source: bytes) -> str:
    """What tells one state of a module from another."""
    return hashlib.sha256(source).hexdigest()[:12]


def load() -> dict[str, Result]:
    """The results of all modules that were ever run."""
    if not TARGET.exists():
        return {}
    return {name: _result(value) for name, value in json.loads(TARGET.read_bytes()).items()}


def save(results: Mapping[str, Result]) -> None:
    """Write them all, in the order of their names."""
    value = {name: asdict(result) for name, result in sorted(results.items())}
    TARGET.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _result(value: dict[str, Any]) -> Result:
    survivors = tuple(Survivor(**survivor) for survivor in value.pop("survivors"))
    return Result(**{**value, "tests": tuple(value["tests"])}, survivors=survivors)
