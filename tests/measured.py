"""Importing this measures the branch coverage of the process, to its end. ``./dev cover`` has every Python process do it first.

Not left to coverage's ``patch = subprocess``: that tells children by a variable of its own, and the embedded endpoint and the
agents' processes are, rightly, given a short list of variables. ``PATH`` is on every such list, and says where the data go.
"""

from __future__ import annotations

import os
from pathlib import Path

import coverage

_HOUSE = Path(__file__).resolve().parents[1]
_DATA = next(Path(entry) for entry in os.environ["PATH"].split(os.pathsep) if entry.endswith("/murmur-measured"))

coverage.Coverage(
    config_file=str(_HOUSE / "pyproject.toml"),
    data_file=str(_DATA / "coverage"),
    data_suffix=True,
    source=[str(_HOUSE / room) for room in ("murmur", "agent", "functions")],
    auto_data=True,
).start()
