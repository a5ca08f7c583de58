"""What the numbers were measured on, and what else ran there."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import psutil

_SUBREAPER: Final = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""
ROOT: Final = Path(__file__).resolve().parents[2]
LOADED_ABOVE: Final = 1.5
"""Load average from which a measurement on two cores is not to be trusted."""
OTHERS_ABOVE: Final = 0.5
"""Cores that processes other than the benchmark's may use meanwhile."""


def description() -> dict[str, str]:
    """The machine and the code, in words."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "CPU": _cpu(),
        "cores": str(psutil.cpu_count(logical=True)),
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "commit": _commit(),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit, and whether the tree was changed since; "unknown" outside a clone."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} with changes" if changed else head


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]


def adopt_orphans() -> None:
    """From now on processes whose parent ended become this one's, so that what they used is counted as ours. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def reap_orphans() -> None:
    """Take note of those that have ended, at the end of this process: nothing else may wait for a child then."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


@dataclass(frozen=True, slots=True)
class Busy:
    """Processor seconds used so far: by the whole machine, and by this process with all it has started and waited for."""

    at: float
    machine: float
    ours: float

    @classmethod
    def now(cls) -> Self:
        """As of now."""
        used = psutil.cpu_times()
        machine = sum(getattr(used, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))
        ours = 0.0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            ours += usage.ru_utime + usage.ru_stime
        return cls(time.monotonic(), machine, ours)

    def others_since(self, before: Busy) -> float:
        """Cores that others used, on average, since ``before``."""
        elapsed = self.at - before.at
        others = (self.machine - before.machine) - (self.ours - before.ours)
        return max(0.0, others / elapsed) if elapsed > 0 else 0.0
