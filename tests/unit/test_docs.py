"""What is generated from the code stays in step with it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.config_page import TARGET, page

ROOT = Path(__file__).resolve().parents[2]


def test_configuration_reference_is_up_to_date() -> None:
    assert TARGET.read_text("utf-8") == page(), "run: ./dev docs"


def test_links_between_pages_lead_somewhere() -> None:
    for source in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", source.read_text("utf-8")):
            assert (source.parent / target).exists(), f"{source.relative_to(ROOT)} links to {target}"
