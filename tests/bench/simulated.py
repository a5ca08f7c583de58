"""Other processes of a section: ``murmur simulate`` as a command, and whatever else is to be asked for JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

from tests.bench.machine import ROOT


@dataclass(frozen=True, slots=True)
class Simulated:
    """What ``murmur simulate`` said: the limit in seconds, and a column for each design."""

    agents: int
    limit_seconds: float
    designs: tuple[dict[str, Any], ...]


async def answer(*words: str) -> Any:
    """What ``python -m`` with these words prints as JSON. Raises RuntimeError with its last words if it fails.

    Whoever stops waiting ends the process.
    """
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", *words, cwd=ROOT, stdout=pipe, stderr=pipe)
    try:
        out, errors = await child.communicate()
    except BaseException:
        child.kill()
        await child.wait()
        raise
    if child.returncode:
        raise RuntimeError(f"{' '.join(words)}: {errors.decode(errors='replace')[-500:]}")
    return json.loads(out)


async def simulated(*, agents: int, radius: int = 1, **options: object) -> Simulated:
    """Run ``murmur simulate``. Raises RuntimeError."""
    words = ["simulate", "--agents", str(agents), "--radius", str(radius), "--json", "--quiet"]
    words += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    found = await answer("murmur.cli.main", *words)
    return Simulated(agents, found["limit_seconds"], tuple(found["designs"]))
