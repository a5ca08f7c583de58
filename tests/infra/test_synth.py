"""`./dev synth`: on a machine with neither Node nor Docker, without an account."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("HOME", "PIP_FIND_LINKS", "PIP_CERT", "PIP_INDEX_URL")


def synth(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with nothing in PATH, and nothing in the environment but a home (jsii keeps what it has unpacked there)."""
    return subprocess.run(
        [sys.executable, "-m", "cdk.synth", *arguments],
        cwd=ROOT,
        env={"PATH": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
        | {name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.mark.timeout(420)
def test_it_needs_no_node_no_docker_and_no_account(tmp_path: Path) -> None:
    done = synth("--out", str(tmp_path / "out"), "-c", "flock=birds", "-c", "allow-ip=203.0.113.7/32")
    assert done.returncode == 0, done.stderr
    template = Path(done.stdout.strip())
    assert template.parent == tmp_path / "out"
    assert '"birds-wakes"' in template.read_text("utf-8")


def test_a_bad_parameter_ends_it_with_one_line_and_no_trace(tmp_path: Path) -> None:
    done = synth("--out", str(tmp_path / "out"), "-c", "allow_ip=203.0.113.7")
    assert done.returncode == 1
    assert "write 203.0.113.7/32" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("words", [("-c", "flock"), ("--no-such-option",)])
def test_bad_words_are_explained(words: tuple[str, ...]) -> None:
    done = synth(*words)
    assert done.returncode == 2
    assert "usage" in done.stderr
