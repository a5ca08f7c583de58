"""What is uploaded to Lambda: small enough, for arm64, and nothing in it that its function does not need."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.infra.assembly import Assembly

MEBIBYTE = 1024 * 1024
BUNDLES = ("api", "lifecycle", "live")


def folder(assembly: Assembly, name: str) -> Path:
    """The package that the function's name leads to."""
    raw = assembly.template.raw["Resources"].values()
    (code,) = {
        json.dumps(r["Properties"]["Code"]["S3Key"])
        for r in raw
        if r["Type"] == "AWS::Lambda::Function" and r["Properties"]["FunctionName"].startswith(f"murmur-{name}")
    }
    return assembly.folder / f"asset.{json.loads(code).removesuffix('.zip')}"


def zipped(place: Path) -> int:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in place.rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(place))
    return len(held.getvalue())


@pytest.mark.parametrize("name", BUNDLES)
def test_a_package_is_small(assembly: Assembly, name: str) -> None:
    assert zipped(folder(assembly, name)) <= 5 * MEBIBYTE


@pytest.mark.parametrize("name", BUNDLES)
def test_a_package_holds_its_own_room_and_machine_code_for_arm_only(assembly: Assembly, name: str) -> None:
    place = folder(assembly, name)
    rooms = {part.name for part in (place / "functions").iterdir() if part.is_dir()}
    assert rooms == ({"api", "live"} if name == "api" else {name})
    assert not [part for part in ("cli", "local", "memory", "simulate") if (place / "murmur" / part).exists()]
    libraries = list(place.rglob("*.so"))
    assert libraries
    for library in libraries:
        assert library.read_bytes()[18:20] == b"\xb7\x00", f"{library.name} is not for arm64"  # e_machine: EM_AARCH64
    assert not list(place.rglob("*.pyc"))


@pytest.mark.parametrize(
    ("handler", "heavy"),
    [
        (
            "functions.live.main.authorise",
            "functions.live.live markdown_it nh3 aws_lambda_powertools.event_handler aws_xray_sdk",
        ),
        ("functions.live.main.connect", "functions.live.live markdown_it nh3 aws_lambda_powertools.event_handler"),
        ("functions.live.main.push", "markdown_it nh3 functions.api aws_lambda_powertools.event_handler"),
        (
            "functions.lifecycle.main.handler",
            "markdown_it nh3 functions.api functions.live aws_lambda_powertools.event_handler",
        ),
        ("functions.api.main.handler", "functions.lifecycle ministack starlette agent"),
    ],
)
def test_a_handler_loads_from_its_package_and_nothing_it_does_not_need(
    assembly: Assembly, handler: str, heavy: str, tmp_path: Path
) -> None:
    module, _, attribute = handler.rpartition(".")
    place = folder(assembly, module.split(".")[1])
    for own in ("murmur", "functions"):  # its wheels are for arm64: this Python brings its own
        shutil.copytree(place / own, tmp_path / own)
    program = (
        f"import sys, {module} as it\n"
        f"assert callable(it.{attribute}) and it.__file__.startswith({str(tmp_path)!r}), it.__file__\n"
        f"sys.exit(' '.join(name for name in {heavy.split()!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "/nonexistent", "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.stderr.strip() == "", "loaded needlessly, or not at all"
