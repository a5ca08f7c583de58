"""What many tests of the command need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_cli_flock import FakeFlock, serving


@pytest.fixture
def flock() -> Iterator[FakeFlock]:
    """A flock that only pretends, before its first run."""
    with serving(FakeFlock()) as running:
        yield running


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is called in an empty folder, and nothing in the environment leads it to a flock."""
    monkeypatch.chdir(tmp_path)
    for name in ("MURMUR_URL", "MURMUR_TOKEN", "MURMUR_DEBUG"):
        monkeypatch.delenv(name, raising=False)
