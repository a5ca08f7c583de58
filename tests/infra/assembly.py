"""A synthesised stack on disk, and the parameters the tests choose for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.template import Template

CONTEXT = {
    "email": "you@example.org",
    "allow_ip": "203.0.113.0/24,2001:db8::/48",
    "runners": "scripted,kiro",
    "key_variable": "KIRO_API_KEY",
    "bundle_sha256": "ab" * 32,
    "concurrency_cap": "32",
}


@dataclass(frozen=True)
class Assembly:
    """A cloud assembly on disk."""

    folder: Path

    @property
    def template(self) -> Template:
        """A fresh copy of the template, read."""
        return Template.read(self.folder / "Flock.template.json")

    @property
    def assets(self) -> dict[str, Any]:
        """Which folders are uploaded, by their hash."""
        files: dict[str, Any] = json.loads((self.folder / "Flock.assets.json").read_text("utf-8"))["files"]
        return {name: entry for name, entry in files.items() if entry["source"]["packaging"] == "zip"}

    @property
    def reports(self) -> dict[str, list[dict[str, Any]]]:
        """What the validation plugins found, by plugin."""
        found = json.loads((self.folder / "validation-report.json").read_text("utf-8"))["pluginReports"]
        return {report["pluginName"]: report["violations"] for report in found}
