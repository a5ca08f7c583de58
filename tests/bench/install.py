"""What an installation takes: the environment from the lock, its size, the imports, and the packages that go to Lambda."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.bench.findings import Findings, Table
from tests.bench.machine import ROOT
from tests.bench.stats import median, number

LOCK: Final = ROOT / "requirements" / "run.lock"
MIB: Final = 2**20
STARTS: Final = 5
_LIMIT_SECONDS: Final = 150.0
_BUNDLES: Final = ("api", "lifecycle", "live")


def _timed(*command: str, environment: dict[str, str] | None = None) -> float:
    """Seconds that a command takes. Raises CalledProcessError, TimeoutExpired."""
    began = time.perf_counter()
    subprocess.run(
        command,
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # pip's words name where packages come from on this machine
        timeout=_LIMIT_SECONDS,
        env=environment,
    )
    return time.perf_counter() - began


def _bytes(folder: Path, counts: Callable[[Path], bool] = lambda _: True) -> int:
    """What the files below a folder hold; links count nothing."""
    return sum(
        file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and counts(file)
    )


def _environment(home: Path) -> tuple[float, float, Path]:
    """Seconds to make a virtual environment, seconds to install the lock, and its Python."""
    python = home / "venv" / "bin" / "python"
    made = _timed(sys.executable, "-m", "venv", str(home / "venv"))
    words = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(LOCK))
    return made, _timed(str(python), *words), python


def _starts(command: Sequence[str], count: int) -> list[float]:
    """Seconds of each start but the first, which reads the files from disk."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return [_timed(*command, environment=environment) for _ in range(count + 1)][1:]


def _bundles(home: Path) -> tuple[tuple[str, str], ...]:
    """The code and wheels of each Lambda function, where the CDK and the wheels are at hand already: nothing is fetched for it."""
    try:
        from cdk import code  # noqa: PLC0415 - the CDK is installed only where somebody deploys
    except ImportError:
        return (("Lambda packages", "not measured: the CDK is not installed"),)
    rows = []
    for bundle in (code.API, code.LIFECYCLE, code.LIVE):
        target = home / bundle.name
        bundle.write(target)
        rows.append((f"Lambda package {bundle.name}, unpacked, MiB", number(_bytes(target) / MIB, 1)))
    return tuple(rows)


async def measure(small: bool) -> Findings:
    """All of it, one after the other."""
    return await asyncio.to_thread(_measured, 2 if small else STARTS)


def _measured(starts: int) -> Findings:
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as folder:
        home = Path(folder)
        made, installed, python = _environment(home)
        site = _bytes(home / "venv")
        pip = _bytes(home / "venv", lambda file: "/pip" in str(file))
        nothing = median(_starts((str(python), "-c", "pass"), starts))
        said = median(_starts((str(python), "-m", "murmur.cli.main", "--help"), starts))
        host = median(_starts((str(python), "-c", "import agent.host"), starts))
        brain = median(_starts((str(python), "-c", "import agent.brains.scripted.session"), starts))
        bundles = _bundles(home)
    code = sum(
        _bytes(ROOT / room, lambda file: file.suffix != ".pyc") for room in ("murmur", "agent", "functions", "web")
    )
    rows = (
        ("make a virtual environment, s", number(made, 1)),
        ("install requirements/run.lock, hashes checked, s", number(installed, 1)),
        ("size of the environment, MiB", number(site / MIB)),
        ("· of that pip itself, MiB", number(pip / MIB)),
        ("Murmur's own code and dashboard, MiB", number(code / MIB, 1)),
        ("`murmur --help`, ms", number(said * 1000)),
        ("`import agent.host` (what a host process loads), ms", number(host * 1000)),
        ("`import agent.brains.scripted.session` (what the scripted brain loads), ms", number(brain * 1000)),
        ("Python that does nothing, ms", number(nothing * 1000)),
        *bundles,
    )
    return Findings(
        f"A new virtual environment in an empty folder, with pip's cache as it is (warm after the first time). Starts: the median of {starts} "
        "behind a first one.",
        (Table(("what", "measured"), rows),),
    )
