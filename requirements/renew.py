"""Writes run.lock, dev.lock and cdk.lock from pyproject.toml: every version pinned and hashed, no index address in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMON = [
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
    "--quiet",
]


def renew(name: str, *more: str) -> None:
    """Resolve one lock file."""
    target = HERE / f"{name}.lock"
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *COMMON, *more, "-o", str(target)]
    subprocess.run(command, check=True, cwd=HERE.parent, env={**os.environ, "UV_NO_CONFIG": "1"})  # noqa: S603 - a fixed command
    if "://" in target.read_text():
        sys.exit(f"{target} carries an address; it must not")


renew("run")
renew("dev", "--group", "dev", "-c", "requirements/run.lock")
renew("cdk", "--group", "cdk", "-c", "requirements/dev.lock")
