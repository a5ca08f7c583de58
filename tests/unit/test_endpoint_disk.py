"""A write that was cut off at any step leaves the object as it was before, or as it should be after."""

import hashlib
import json
from pathlib import Path

import pytest

from murmur.local.endpoint import disk

OLD, NEW = b"old body", b"the new body"


class Cut(Exception):
    """The power went out here."""


def meta_of(body: bytes) -> dict[str, object]:
    return {"etag": f'"{hashlib.md5(body).hexdigest()}"', "size": len(body)}


def stored(path: Path) -> tuple[bytes, dict[str, object]]:
    return path.read_bytes(), json.loads(path.with_name(path.name + ".meta.json").read_text())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "000000000000" / "bucket" / "store" / "agent-1.ndjson"
    path.parent.mkdir(parents=True)
    return path


def cut_after(monkeypatch, steps: int) -> None:
    """Let ``steps`` changes of the disk happen and no more."""
    left = [steps]

    def counted(function):
        def step(*args):
            if left[0] == 0:
                raise Cut
            left[0] -= 1
            return function(*args)

        return step

    monkeypatch.setattr(disk, "_write_new", counted(disk._write_new))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))


@pytest.mark.parametrize(("steps", "after"), [(0, OLD), (1, OLD), (2, OLD), (3, NEW), (4, NEW)])
def test_a_replacement_cut_off_at_any_step_is_whole(path, monkeypatch, steps, after):
    disk.write(path, OLD, meta_of(OLD))
    with monkeypatch.context() as patched:
        cut_after(patched, steps)
        if steps < 4:
            with pytest.raises(Cut):
                disk.write(path, NEW, meta_of(NEW))
        else:
            disk.write(path, NEW, meta_of(NEW))
    disk.recover(path.parents[3])
    assert stored(path) == (after, meta_of(after))
    assert [found.name for found in path.parent.iterdir() if found.name.endswith(".tmp")] == []
    assert disk.recover(path.parents[3]) == []


@pytest.mark.parametrize(("steps", "there"), [(0, False), (1, False), (2, False), (3, True)])
def test_a_first_write_cut_off_at_any_step_is_there_or_not(path, monkeypatch, steps, there):
    with monkeypatch.context() as patched:
        cut_after(patched, steps)
        with pytest.raises(Cut):
            disk.write(path, NEW, meta_of(NEW))
    disk.recover(path.parents[3])
    assert path.exists() is there
    if there:
        assert stored(path) == (NEW, meta_of(NEW))


def test_half_a_body_is_never_taken_for_the_object(path):
    disk.write(path, OLD, meta_of(OLD))
    path.with_name(path.name + ".tmp").write_bytes(NEW[:5])
    assert disk.recover(path.parents[3]) == ["000000000000/bucket/store/agent-1.ndjson"]
    assert stored(path) == (OLD, meta_of(OLD))


def test_metadata_alone_can_change(path):
    disk.write(path, OLD, meta_of(OLD))
    disk.write(path, None, meta_of(OLD) | {"content_type": "text/plain"})
    assert stored(path) == (OLD, meta_of(OLD) | {"content_type": "text/plain"})


def test_a_folder_that_is_not_there_has_nothing_to_recover(tmp_path):
    assert disk.recover(tmp_path / "nothing") == []
