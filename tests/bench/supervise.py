"""Runs one section in a process of its own, within its limit, and says what else the machine did meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.findings import Findings
from tests.bench.machine import LOADED_ABOVE, OTHERS_ABOVE, ROOT, Busy, load
from tests.bench.sections import SECTIONS

_GRACE_SECONDS: Final = 20.0
_ERROR_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Ran:
    """How a section went. ``findings`` is None where it failed, and ``error`` then says how."""

    name: str
    findings: Findings | None
    error: str
    seconds: float
    load: float
    """Load average as it began; the sections before it are part of that."""
    others: float
    """Cores that processes other than its own used meanwhile."""
    first: bool
    """Whether nothing of ours ran before it."""

    @property
    def loaded(self) -> bool:
        """Whether something else kept the machine busy: then the numbers are not to be trusted."""
        return self.others > OTHERS_ABOVE or (self.first and self.load > LOADED_ABOVE)


def run(name: str, *, small: bool, first: bool = True) -> Ran:
    """Run a section to its end or its limit. Never raises for what goes wrong inside."""
    limit = SECTIONS[name].limit_seconds
    began, before, busy = time.monotonic(), load(), Busy.now()
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as folder:
        target, errors = Path(folder) / "findings.json", Path(folder) / "stderr"
        command = [sys.executable, "-m", "tests.bench.one", name, str(target), *(["--small"] if small else [])]
        with errors.open("wb") as log:
            child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
            try:
                why = _wait(child, limit)
            except BaseException:
                _end(child)
                raise
        findings = Findings.from_json(target.read_text("utf-8")) if target.is_file() else None
        tail = errors.read_text("utf-8", "replace").strip().splitlines()[-_ERROR_LINES:]
    if findings is None and not why:
        why = f"ended with status {child.returncode}"
    error = "" if findings is not None else "\n".join((why, *tail))
    others = Busy.now().others_since(busy)
    return Ran(name, findings, error, time.monotonic() - began, before, others, first)


def _wait(child: subprocess.Popen[bytes], limit: float) -> str:
    """Wait for the end; "" if it came in time."""
    try:
        child.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        _end(child)
        return f"not done after {limit:.0f} s, and ended"
    return ""


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the section to end, so that it stops its servers; then end it and what shares its session."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
