"""What the command reads from and writes to this machine's disk."""

import os
import sys
from pathlib import Path

import pytest

from murmur.cli import checks
from murmur.cli.client import Client
from murmur.cli.find import Target
from murmur.cli.knowledge import Limits, collect
from murmur.cli.parser import UsageError
from murmur.cli.results import check_folder, place, pull
from murmur.cli.text import clean, clean_block, duration, plural, size
from tests.unit.test_cli_flock import FakeFlock, serving


def skipped(found: object) -> dict[str, str]:
    return {item.name: item.why for item in found.skipped}  # type: ignore[attr-defined]


def test_a_folder_is_taken_with_its_relative_names_and_a_reason_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "sub/deep").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").touch()
    for name in ("b.md", "a ü.md", "sub/deep/c", ".hidden", "sub/control\x07.md"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link.md").symlink_to("b.md")
    (tmp_path / "out").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"bad\xff")).touch()
    found = collect(tmp_path)
    assert sorted(document.name for document in found.documents) == ["a ü.md", "b.md", "sub/deep/c"]
    why = skipped(found)
    assert why["link.md"] == "a symbolic link (to b.md)"
    assert why["out/"] == "a symbolic link to a folder"
    assert (why[".git/"], why[".hidden"], why["pipe"]) == ("hidden", "hidden", "not a regular file")
    assert "UTF-8" in why["bad?"]
    assert "control characters" in why["sub/control .md"]
    assert len(why) == 7


def test_a_link_named_by_the_person_is_followed_and_a_file_alone_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.md").touch()
    (tmp_path / "named").symlink_to("real")
    assert [d.name for d in collect(tmp_path / "named").documents] == ["a.md"]
    assert [d.name for d in collect(tmp_path / "real/a.md").documents] == ["a.md"]


def test_our_own_folders_inside_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    (tmp_path / "res/deep").mkdir(parents=True)
    (tmp_path / "res/old.md").touch()
    found = collect(tmp_path, leave_out=(tmp_path / "res",))
    assert [d.name for d in found.documents] == ["a.md"]
    assert skipped(found) == {"res/": "the flock's own"}


def test_limits_are_kept_and_said(tmp_path: Path) -> None:
    for name, count in (("a", 10), ("b", 101), ("c", 60), ("d", 60), ("e", 5), ("f", 5)):
        (tmp_path / name).write_bytes(b"x" * count)
    found = collect(tmp_path, Limits(files=3, file_bytes=100, total_bytes=100))
    assert [d.name for d in found.documents] == ["a", "c", "e"]
    assert skipped(found) == {"b": "larger than 100 B", "d": "more than 100 B in all", "f": "more than 3 files"}


def test_nothing_to_take_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is empty"):
        collect(tmp_path)
    (tmp_path / ".x").touch()
    with pytest.raises(UsageError, match=r"\.x: hidden"):
        collect(tmp_path)
    with pytest.raises(UsageError, match="There is no"):
        collect(tmp_path / "none")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(UsageError, match="There is no"):
        collect(loop)


@pytest.mark.parametrize(
    "key", ["output/../x", "output//x", "/etc/passwd", "output/a/./b", "output/a\x1b[2J", "output/", "output/a/"]
)
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError):
        place(tmp_path, key)
    assert list(tmp_path.iterdir()) == []


def test_no_key_leads_through_a_link_and_a_link_in_its_place_is_replaced(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "kept").write_text("kept")
    (inside / "dir").symlink_to(outside)
    (inside / "file").symlink_to(outside / "kept")
    flock = FakeFlock(output={"output/dir/evil": b"x", "output/file": b"new", "output/n": b"1", "output/n/m": b"2"})
    with serving(flock), Client(Target(flock.url)) as client:
        results = pull(client, list(client.listing("/cluster/habitat")), inside)
    assert [file.path for file in results.copied] == ["file", "n"]
    assert [item.key for item in results.left] == ["output/dir/evil", "output/n/m"]
    assert (outside / "kept").read_text() == "kept"
    assert (inside / "file").read_text() == "new"
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert not list(inside.rglob("*.part"))


def test_a_folder_for_results_must_be_empty_unless_forced(tmp_path: Path) -> None:
    check_folder(tmp_path / "a/b", force=False)
    (tmp_path / "a/x").touch()
    with pytest.raises(UsageError, match="not empty"):
        check_folder(tmp_path / "a", force=False)
    check_folder(tmp_path / "a", force=True)
    with pytest.raises(UsageError, match="not a folder"):
        check_folder(tmp_path / "a/x", force=True)
    with pytest.raises(UsageError, match="cannot be used"):
        check_folder(tmp_path / "a/x/y", force=False)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x1b[31mb", "ab"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b]0;title", ""),
        ("a\x9b2Jb\x9dtitle\x9cc", "abc"),
        ("\x1bPdcs\x1b\\x", "x"),
        ("a\x1b", "a"),
        ("a\r\n\tb\x00\x08", "a b"),
        ("\u202eabc\u2066\u200b", "abc"),
        ("ü 中 🐦", "ü 中 🐦"),
        ("half \ud800", "half"),
    ],
)
def test_text_is_shown_without_what_a_terminal_would_obey(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_blocks_keep_their_lines_and_nothing_else() -> None:
    assert clean_block("a\tb\r\n\n \x1b[2Jc\x1b]0;t\nd") == "a\tb\n\n c\nd"
    assert clean("abcdef", 4) == "abc…"


def test_sizes_durations_and_numbers_are_for_people() -> None:
    assert [size(n) for n in (0, 999, 1500, 5_000_000, 2_000_000_000)] == ["0 B", "999 B", "1.5 kB", "5.0 MB", "2.0 GB"]
    assert [duration(s) for s in (0.04, 12.3, 125, 4200, 90_000)] == [
        "0.0 s",
        "12 s",
        "2 min 05 s",
        "1 h 10 min",
        "1 d 1 h",
    ]
    assert [plural(n, "entry") for n in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]


def test_the_doctor_finds_this_installation_well_and_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.python().state == "ok"
    assert checks.packages().state == "ok"
    assert checks.runners().state == "ok"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "mcp" else object())
    found = checks.packages()
    assert (found.state, found.detail) == ("failed", "missing: mcp")
    assert found.remedy
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert checks.python().state == "failed"


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def disk() -> checks.Check:
        raise RuntimeError("broken")

    monkeypatch.setattr(checks, "disk", disk)
    monkeypatch.setattr(checks, "endpoint", lambda: checks.Check("endpoint", "ok", ""))
    found = {check.name: check for check in checks.examine(fast=True)}
    assert found["disk"].state == "failed"
    assert "broken" in found["disk"].detail
    assert found["open files"].state in ("ok", "warning")
