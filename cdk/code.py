"""What goes into a Lambda function: the rooms it needs, and wheels for arm64, put together without Docker.

Wheels are taken from requirements/run.lock by hash, and kept below .cdk/ per set, so that only the first synthesis asks
the package index. boto3 is not among them: Lambda's runtime brings it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from murmur.errors import Unavailable

ROOT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = ROOT / ".cdk"
"""Where fetched things lie; git ignores it."""
PYTHON: Final = "3.13"
RUNTIME: Final = lambda_.Runtime.PYTHON_3_13
_CORE: Final = (
    "annotated-types",
    "aws-lambda-powertools",
    "aws-xray-sdk",
    "jmespath",
    "pydantic",
    "pydantic-core",
    "typing-extensions",
    "typing-inspection",
    "wrapt",
)
_LEFT_OUT: Final = ("cli", "local", "memory", "simulate")
"""Parts of murmur/ that no function imports."""
_NOT_NEEDED: Final = (
    "__pycache__",
    "*.pyc",
    "*.pyi",
    "bin",
    "swagger_ui",
    "RECORD",
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """One deployment package: which rooms of functions/, and which distributions beside the code."""

    name: str
    rooms: tuple[str, ...]
    wheels: tuple[str, ...]

    def write(self, target: Path) -> None:
        """Put the whole package into ``target``. Raises Unavailable if the wheels cannot be had."""
        self.write_code(target)
        shutil.copytree(wheels(self.wheels), target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_NOT_NEEDED))

    def write_code(self, target: Path) -> None:
        """Put the flock's own code, without wheels, into ``target``."""
        for file in self.files():
            place = target / file.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)

    def files(self) -> Iterator[Path]:
        """The flock's own files in the package."""
        yield ROOT / "functions" / "__init__.py"
        for room in (ROOT / "murmur", *(ROOT / "functions" / room for room in self.rooms)):
            for file in sorted(room.rglob("*.py")):
                parts = file.relative_to(ROOT).parts
                if not (parts[0] == "murmur" and parts[1] in _LEFT_OUT):
                    yield file

    def digest(self) -> str:
        """Changes whenever the package does."""
        total = hashlib.sha256(f"{self.name} {PYTHON} {_NOT_NEEDED}".encode())
        total.update(_pinned(self.wheels).encode())
        for file in self.files():
            total.update(f"{file.relative_to(ROOT)}\n".encode())
            total.update(file.read_bytes())
        return total.hexdigest()

    def code(self) -> lambda_.Code:
        """The package as CDK takes it."""
        return lambda_.Code.from_asset(
            str(ROOT / "functions" / self.rooms[0]),
            asset_hash=self.digest(),
            asset_hash_type=AssetHashType.CUSTOM,
            bundling=BundlingOptions(
                image=DockerImage.from_registry("never-used"),
                local=_Local(self),
                command=[self.name],  # CDK's asset cache looks at this and not at ``local``
            ),
        )


API: Final = Bundle("api", ("api", "live"), (*_CORE, "markdown-it-py", "mdurl", "nh3"))
LIFECYCLE: Final = Bundle("lifecycle", ("lifecycle",), _CORE)
LIVE: Final = Bundle("live", ("live",), _CORE)


@jsii.implements(ILocalBundling)
class _Local:
    """CDK's hook for bundling without Docker."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Write the package; CDK turns to Docker only where this says False."""
        self._bundle.write(Path(output_dir))
        return True


def wheels(names: Iterable[str]) -> Path:
    """A folder with these distributions, unpacked for arm64; made once. Raises Unavailable."""
    pinned = _pinned(names)
    place = CACHE / f"lambda-{hashlib.sha256(f'{PYTHON}{pinned}'.encode()).hexdigest()[:16]}"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
            _install(pinned, Path(scratch))
            try:
                (Path(scratch) / "site").rename(place)
            except OSError:
                if not place.is_dir():  # another synthesis was faster, unless there is no folder
                    raise
    return place


def _install(pinned: str, scratch: Path) -> None:
    listing = scratch / "wheels.txt"
    listing.write_text(pinned, "utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-compile",
    ]
    command += [
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--requirement",
        str(listing),
        "--target",
        str(scratch / "site"),
    ]
    command += ["--implementation", "cp", "--python-version", PYTHON]
    command += ["--platform", "manylinux_2_28_aarch64", "--platform", "manylinux2014_aarch64"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter's pip
    if done.returncode:
        raise Unavailable(
            f"The wheels for Lambda could not be fetched: {' '.join(done.stderr.split())[-400:]}",
            "Check that pip reaches a package index, then synthesise again.",
        )


def _pinned(names: Iterable[str]) -> str:
    """The lock's lines, with their hashes, for these distributions only."""
    wanted = set(names)
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / "requirements" / "run.lock").read_text("utf-8"))
    found = {block.partition("==")[0]: block for block in blocks if block.partition("==")[0] in wanted}
    if missing := wanted - set(found):
        raise Unavailable(f"run.lock does not pin {', '.join(sorted(missing))}.", "Run ./dev lock.")
    return "\n".join(found[name] for name in sorted(found)) + "\n"
