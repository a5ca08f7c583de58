"""Asks the registries whether a locked package has a known vulnerability (``./dev audit``).

pip-audit asks for what the Python locks name (first PyPI, then OSV for what PyPI does not know), npm for what the two package-lock.json name.
What could not be asked is said, with an exit status of its own: silence of a registry is no clean bill.

Exit status: 0 everything was asked and nothing is known; 1 something is known; 3 something could not be asked.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = ("run", "dev", "cdk")
NPM_FOLDERS: Final = ("tests/browser", "cdk/toolkit")
TOOL: Final = "pip-audit==2.10.1"
PLACE: Final = Path(sys.prefix) / "audit"
"""pip-audit and what it needs stay out of the project's own environment, and go with it at ``./dev clean``."""
SERVICES: Final = ("pypi", "osv")
ASK: Final = (
    *(str(PLACE / "bin" / "python"), "-m", "pip_audit", "--disable-pip", "--no-deps"),
    *("--format", "json", "--progress-spinner", "off", "--timeout", "20"),
)
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)

Runner = Callable[[list[str]], tuple[str, str]]
"""Runs a command; what it wrote to standard output and to standard error."""


@dataclass
class Findings:
    """What came of asking: packages as ``name version``."""

    asked: set[str] = field(default_factory=set)
    known: dict[str, list[str]] = field(default_factory=dict)
    """Package → the vulnerabilities' identifiers, with the versions that mend them."""
    unasked: dict[str, str] = field(default_factory=dict)
    """Package → why nobody could say anything about it."""

    @property
    def status(self) -> int:
        """The exit status."""
        if self.known:
            return 1
        return 3 if self.unasked or not self.asked else 0

    def report(self) -> str:
        """What there is to say, the worst first."""
        lines = [f"KNOWN  {package}: {', '.join(known)}" for package, known in sorted(self.known.items())]
        reasons: dict[str, list[str]] = {}
        for package, why in sorted(self.unasked.items()):
            reasons.setdefault(why, []).append(package)
        lines += [f"NOT ASKED  {len(some)} packages ({why}): {', '.join(some)}" for why, some in reasons.items()]
        of = len(self.asked) + len(self.unasked)
        lines.append(f"{len(self.asked)} of {of} packages asked about, {len(self.known)} with a known vulnerability.")
        if self.unasked:
            lines.append(
                "This is no clean bill: ask again where the registries' vulnerability services can be reached."
            )
        return "\n".join(lines)


def locked(text: str) -> set[str]:
    """The packages of a lock file, as ``name version``."""
    return {f"{name} {version}" for name, version in _LOCKED.findall(text)}


def npm_locked(lock: dict[str, Any]) -> set[str]:
    """The packages of a package-lock.json, as ``name version``."""
    return {
        f"{path.rpartition('node_modules/')[2]} {about['version']}"
        for path, about in lock["packages"].items()
        if path and "version" in about
    }


def python_packages(wanted: Iterable[str], run: Runner) -> Findings:
    """Ask for the packages of the Python locks, one service after the other for what is left."""
    findings, left, why = Findings(), set(wanted), ""
    for service in SERVICES:
        if not left:
            break
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            # Without the locks' markers: what is installed on another system only is asked about too.
            file.write("".join(f"{package.replace(' ', '==')}\n" for package in sorted(left)))
            file.flush()
            answer, trouble = run([*ASK, "--requirement", file.name, "--vulnerability-service", service])
        why = f"{service}: {_last_line(trouble) or 'no answer'}"
        for package, known in _answers(answer):
            if package in left:
                left.discard(package)
                findings.asked.add(package)
                if known:
                    findings.known[package] = known
    findings.unasked = dict.fromkeys(left, why)
    return findings


def npm_packages(wanted: set[str], folder: str, run: Runner) -> Findings:
    """Ask for the packages of one package-lock.json."""
    answer, trouble = run(["npm", "--prefix", folder, "audit", "--package-lock-only", "--json"])
    try:
        told = json.loads(answer)
        by_name = {name: about["severity"] for name, about in told["vulnerabilities"].items()}
    except (ValueError, KeyError):
        return Findings(
            unasked=dict.fromkeys(wanted, f"npm: {_npm_trouble(answer) or _last_line(trouble) or 'no answer'}")
        )
    known = {package: [by_name[name]] for package in wanted if (name := package.rpartition(" ")[0]) in by_name}
    return Findings(set(wanted), known)


def _answers(answer: str) -> list[tuple[str, list[str]]]:
    """What pip-audit said of each package it could ask about; nothing if it said nothing."""
    try:
        told = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        return []
    return [
        (
            f"{about['name']} {about['version']}",
            [f"{v['id']} (mended in {', '.join(v['fix_versions']) or 'no version yet'})" for v in about["vulns"]],
        )
        for about in told
        if "vulns" in about
    ]


def _npm_trouble(answer: str) -> str:
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError):
        return ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _run(command: list[str]) -> tuple[str, str]:
    if shutil.which(command[0]) is None:
        return "", f"{command[0]} is not installed"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed commands
    return done.stdout, done.stderr


def _install() -> None:
    if not (PLACE / "bin" / "pip-audit").exists():
        print("Preparing pip-audit (once) …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(PLACE)], check=True)  # noqa: S603 - a fixed command
        subprocess.run([str(PLACE / "bin" / "pip"), "install", "--quiet", TOOL], check=True)  # noqa: S603 - a fixed command


def main() -> int:
    """Ask, and say what came of it."""
    try:
        _install()
    except subprocess.CalledProcessError:
        print("pip-audit could not be installed, so nothing was asked. Try again with a package index in reach.")
        return 3
    everything = Findings()
    wanted = set[str]().union(*(locked((ROOT / "requirements" / f"{name}.lock").read_text()) for name in LOCKS))
    parts = [python_packages(wanted, _run)]
    for folder in NPM_FOLDERS:
        lock = json.loads((ROOT / folder / "package-lock.json").read_bytes())
        parts.append(npm_packages(npm_locked(lock), folder, _run))
    for part in parts:
        everything.asked |= part.asked
        everything.known |= part.known
        everything.unasked |= part.unasked
    print(everything.report())
    return everything.status


if __name__ == "__main__":
    sys.exit(main())
