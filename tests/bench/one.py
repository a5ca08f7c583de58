"""``python -m tests.bench.one NAME FILE [--small]``: measures one section and leaves its findings in FILE. For ``supervise``."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
import time
from pathlib import Path
from typing import Final

from tests.bench.machine import adopt_orphans, reap_orphans
from tests.bench.sections import SECTIONS

_LAST_SECONDS: Final = 0.3
"""For what was told to end: a browser's own processes outlive it by a moment."""


def main(name: str, target: str, *options: str) -> None:
    """Measure; what goes wrong is the traceback of this process."""
    # It was ignored if a script's background job began all this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    adopt_orphans()
    module = importlib.import_module(f"tests.bench.{SECTIONS[name].module}")
    findings = asyncio.run(module.measure("--small" in options))
    Path(target).write_text(findings.to_json(), "utf-8")
    time.sleep(_LAST_SECONDS)
    reap_orphans()


if __name__ == "__main__":
    main(*sys.argv[1:])
