"""The libraries of an instance: the arm64 wheels of the packages it needs, at the versions and hashes of requirements/run.lock.

They are fetched by pip for another machine than this one (Graviton, glibc 2.34, CPython 3.13) and unpacked into plain files, so that an
instance installs nothing. Python 3.13: the newest that both AL2023 packages and Lambda run, and one for which every wheel exists.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from murmur.errors import InvalidInput, Unavailable

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK: Final = ROOT / "requirements" / "run.lock"
PYTHON: Final = "3.13"
PLATFORMS: Final = ("manylinux_2_28_aarch64", "manylinux2014_aarch64")
"""Both: a wheel that names only the newer one is not found under the older, and the other way round."""
PACKAGES: Final = (
    "agent-client-protocol",
    "annotated-types",
    "anyio",
    "attrs",
    "aws-lambda-powertools",
    "boto3",
    "botocore",
    "cffi",
    "click",
    "cryptography",
    "h11",
    "httpcore2",
    "httpx2",
    "idna",
    "jmespath",
    "jsonschema",
    "jsonschema-specifications",
    "mcp",
    "mcp-types",
    "opentelemetry-api",
    "psutil",
    "pydantic",
    "pydantic-core",
    "pyjwt",
    "python-dateutil",
    "python-multipart",
    "referencing",
    "rpds-py",
    "s3transfer",
    "six",
    "sse-starlette",
    "starlette",
    "truststore",
    "typing-extensions",
    "typing-inspection",
    "urllib3",
    "uvicorn",
)
"""What agent.host imports, and what that needs. Not here: the embedded endpoint, the command's and the API's libraries. A test
starts the host from exactly these."""
SERVICES: Final = frozenset({"cloudwatch", "events", "logs", "s3", "sqs", "ssm", "sts"})
"""The services whose descriptions stay in botocore; all the others are nine tenths of it."""
_NEVER: Final = ("tests/", "testing/", "__pycache__/", "boto3/data/", "boto3/examples/", "openapi/swagger_ui/")
"""Parts of libraries that nothing on an instance reads."""
_PIP_SECONDS: Final = 600


def requirements(lock: Path = LOCK) -> str:
    """The lines of the lock for PACKAGES, without environment markers: they speak of this machine. Raises InvalidInput."""
    found: dict[str, str] = {}
    for block in lock.read_text("utf-8").replace("\\\n", " ").splitlines():
        name, _, _ = block.partition("==")
        if name in PACKAGES:
            pin, _, hashes = block.partition("--hash")
            found[name] = f"{pin.partition(';')[0].strip()} --hash{hashes.rstrip()}\n"
    absent = sorted(set(PACKAGES) - set(found))
    if absent:
        raise InvalidInput(f"{lock.name} does not list {', '.join(absent)}.", "Renew it with `./dev lock`.")
    return "".join(found[name] for name in sorted(found))


def fetch(cache: Path) -> list[Path]:
    """The wheels, sorted by name; downloaded into ``cache`` unless they are there. Raises Unavailable."""
    lines = requirements()
    folder = cache / f"wheels-{hashlib.sha256(lines.encode()).hexdigest()[:16]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            wanted, whole = Path(scratch) / "requirements.txt", Path(scratch) / "wheels"
            wanted.write_text(lines, "utf-8")
            _download(wanted, whole)
            try:
                whole.rename(folder)
            except OSError:
                if not folder.is_dir():  # another build was faster, unless there is no folder
                    raise
    return sorted(folder.glob("*.whl"))


def _download(wanted: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    command += ["--implementation", "cp", "--python-version", PYTHON]
    command += [word for platform in PLATFORMS for word in ("--platform", platform)]
    command += [word for abi in (f"cp{PYTHON.replace('.', '')}", "abi3", "none") for word in ("--abi", abi)]
    try:
        subprocess.run(  # noqa: S603 - our own words
            [*command, "-r", str(wanted)], check=True, capture_output=True, text=True, timeout=_PIP_SECONDS
        )
    except subprocess.CalledProcessError as error:
        said = " ".join(str(error.stderr).split())[-400:]
        raise Unavailable(
            f"pip could not fetch the instances' wheels: {said}", "Check the network, then try again."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"pip did not fetch the instances' wheels within {_PIP_SECONDS} s.", "Check the network, then try again."
        ) from error


def unpacked(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a wheel as they lie in site-packages, without what an instance never reads. Raises InvalidInput."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            place = _place(name)
            if place and not name.endswith("/"):
                if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts:
                    raise InvalidInput(f"{wheel.name} would write outside its folder: {name!r}.", "Do not use it.")
                yield place, archive.read(name)


def _place(name: str) -> str:
    """Where a wheel's file goes; "" for one that is left out."""
    parts = name.split("/")
    if parts[0].endswith(".data"):
        # <name>.data/{purelib,platlib}/… is laid over site-packages; scripts and headers are not for us.
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in ("purelib", "platlib") else ""
    if any(f"/{part}" in f"/{name}" for part in _NEVER):
        return ""
    if parts[:2] == ["botocore", "data"] and len(parts) > 3 and parts[2] not in SERVICES:
        return ""
    return name
