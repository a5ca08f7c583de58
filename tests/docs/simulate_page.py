"""Renews the table in docs/how-to/simulate.md and its picture from what the tool prints (`./dev docs`)."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from murmur.cli.main import main

DOCS = Path(__file__).resolve().parents[2] / "docs"
TARGET = DOCS / "how-to" / "simulate.md"
PICTURE = DOCS / "images" / "simulate.svg"
COMMAND = ["simulate", "--agents", "64", "--radius", "1", "--think", "20s", "--quiet"]
_BLOCK = re.compile(r"```\n( +event .*?)\n```", re.DOTALL)


def table(text: str) -> str:
    """The table that a page shows."""
    found = _BLOCK.search(text)
    if found is None:
        raise ValueError(f"{TARGET} shows no table")
    return found[1]


def printed(*words: str) -> str:
    """The table that the tool prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main([*COMMAND, *words])
    return out.getvalue().partition("\n\n")[0]


if __name__ == "__main__":
    page = TARGET.read_text("utf-8")
    TARGET.write_text(page.replace(table(page), printed("--plot", str(PICTURE))), "utf-8")
