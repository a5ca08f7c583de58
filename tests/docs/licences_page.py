"""Writes docs/reference/licences.md: the licence of everything the locks name (`./dev docs`).

Names and versions come from the locks, licences from the metadata of what is installed; what is never installed on the system this runs on
stands in ``BY_HAND``, as does what carries its licence in a file only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "reference" / "licences.md"
USES: Final = {"run": "product", "cdk": "deploy", "dev": "tests"}
"""Lock → what its packages are used for. A package of several locks is named by the first of them."""
NPM_USES: Final = {"cdk/toolkit": "deploy", "tests/browser": "tests"}

HEAD = """# Licences of what Murmur uses

Murmur itself is under the [Apache License 2.0](../../LICENSE). This page is made from the locks and the packages' own metadata by `./dev docs`; a test keeps names and
versions true. Nothing of these packages is copied into the repository. *product*: installed where a flock runs (this machine, instances, Lambda).
*deploy*: only where `murmur deploy` is run. *tests*: only where the tests are run. The dashboard uses no package at all.

"""

BY_HAND: Final = {
    "agent-client-protocol": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "coverage": "Apache-2.0",
    "httpx2-jsfetch": "BSD-3-Clause",
    "pywin32": "PSF-2.0",
}
"""Licences that no metadata tells here: of packages for other systems, and of those that have but a file."""

SPELLINGS: Final = {
    "Apache License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
PERMISSIVE: Final = frozenset(
    [
        "0BSD",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BlueOak-1.0.0",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
        "Python-2.0",
    ]
)
REMARKS: Final = {
    "certifi": "a list of certificates, used unchanged; its licence asks only that changed files of its own stay open",
    "hypothesis": "used unchanged, by the tests alone",
    "pathspec": "used unchanged, by the tests' tools alone",
    "axe-core": "used unchanged, by the tests alone",
}
"""Why a licence that asks for more than a notice does no harm here."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package of a lock."""

    name: str
    version: str
    use: str


def python_packages() -> list[Package]:
    """What the Python locks name, by name; each version once (of some, another is locked for a newer Python)."""
    found: dict[tuple[str, str], Package] = {}
    for lock, use in USES.items():
        text = (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8")
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE):
            found.setdefault((name, version), Package(name, version, use))
    return sorted(found.values())


def npm_packages() -> dict[Package, str]:
    """What the package-lock.json name, with the licence that stands there."""
    return {
        Package(path.rpartition("node_modules/")[2], about["version"], use): about.get("license", "")
        for folder, use in NPM_USES.items()
        for path, about in json.loads((ROOT / folder / "package-lock.json").read_bytes())["packages"].items()
        if path
    }


def licence_of(name: str) -> str:
    """The licence a package's metadata tells, as an SPDX expression where it can be. Raises LookupError if nothing tells it."""
    if name in BY_HAND:
        return BY_HAND[name]
    about = metadata.metadata(name)
    if "License-Expression" in about:
        return about["License-Expression"]
    plain = about["License"].strip() if "License" in about else ""
    told = SPELLINGS.get(plain, plain if plain in PERMISSIVE | {"MPL-2.0"} else "")
    ends = {line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License ::")}
    classified = sorted(SPELLINGS.get(end, end) for end in ends - {"OSI Approved", "DFSG approved"})
    if told and told != "BSD" and len(classified) < 2:
        return told
    if classified or told:
        return " OR ".join(classified) or told
    raise LookupError(f"{name} does not say what licence it is under; look it up and add it to BY_HAND")


def permissive(expression: str) -> bool:
    """Whether the licence asks for no more than a notice. Of alternatives one is enough."""
    return any(all(part.strip("() ") in PERMISSIVE for part in one.split(" AND ")) for one in expression.split(" OR "))


def page() -> str:
    """The page as it should stand. Needs what the locks name to be installed (`./dev docs` sees to that)."""
    python = {package: licence_of(package.name) for package in python_packages()}
    npm = npm_packages()
    return HEAD + _more(python | npm) + _table("Python", python) + _table("npm", npm)


def rows(text: str) -> dict[Package, str]:
    """Package → licence, as the page has them."""
    found = re.findall(r"^\| ([^|`]+) \| ([^|]+) \| ([^|]+) \| (product|deploy|tests) \|$", text, re.MULTILINE)
    return {Package(name, version, use): licence for name, version, licence, use in found}


def _more(packages: dict[Package, str]) -> str:
    lines = [
        f"- {package.name} ({licence}, {package.use}): {REMARKS[package.name]}.\n"
        for package, licence in sorted(packages.items())
        if not permissive(licence)
    ]
    return "## Not simply permissive\n\n" + "".join(lines)


def _table(title: str, packages: dict[Package, str]) -> str:
    lines = [f"| {p.name} | {p.version} | {licence} | {p.use} |\n" for p, licence in sorted(packages.items())]
    return (
        f"\n## {title}: {len(lines)} packages\n\n| package | version | licence | used for |\n|---|---|---|---|\n"
        + "".join(lines)
    )


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
