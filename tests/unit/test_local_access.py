"""What lies in a flock's home is its owner's alone: another user of the machine finds neither key nor documents."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from murmur.errors import NotFound
from murmur.local.access import leave_access, read_access, take_access
from murmur.local.endpoint.disk import write
from murmur.local.home import Home

SAID = {"AWS_ACCESS_KEY_ID": "the endpoint's key", "MURMUR_FLOCK": "f"}


@pytest.fixture(autouse=True)
def _careless_umask():
    """Whatever a person's umask allows."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_way_in_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    leave_access(tmp_path, SAID)
    assert mode(tmp_path / "cloud.json") == 0o600
    assert read_access(tmp_path) == SAID


def test_what_stood_there_before_neither_opens_it_nor_leads_it_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    (tmp_path / "cloud.json").symlink_to(elsewhere)
    leave_access(tmp_path, SAID)
    assert elsewhere.read_text() == "theirs"
    assert mode(tmp_path / "cloud.json") == 0o600
    (tmp_path / "cloud.json").chmod(0o666)
    leave_access(tmp_path, SAID)
    assert mode(tmp_path / "cloud.json") == 0o600


def test_it_is_gone_with_the_flock_and_then_that_is_said(tmp_path: Path) -> None:
    leave_access(tmp_path, SAID)
    take_access(tmp_path)
    take_access(tmp_path)
    with pytest.raises(NotFound):
        read_access(tmp_path)


@pytest.mark.parametrize("spoilt", ["", "[]", "{", '"words"'])
def test_a_spoilt_one_is_no_way_in(tmp_path: Path, spoilt: str) -> None:
    (tmp_path / "cloud.json").write_text(spoilt)
    with pytest.raises(NotFound):
        read_access(tmp_path)


def test_a_home_and_the_objects_in_it_are_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / ".murmur")
    home.take()
    try:
        assert mode(home.path) == 0o700
        write(home.path / "object", b"body", {"etag": "e"})
        assert mode(home.path / "object") == mode(home.path / "object.meta.json") == 0o600
    finally:
        home.release()
