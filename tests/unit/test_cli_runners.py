"""``murmur runners``, ``murmur doctor --runner`` and the runners that ``run`` and ``up`` take."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from murmur.cli import exits
from murmur.cli.main import main

AGENT = Path(__file__).parent / "misbehaving" / "agent.py"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with goose and codex, and a key for the one only."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("goose", "codex-acp"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_AUTH_TOKEN")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OPENROUTER_API_KEY", "k")
    return folder


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    assert main(["runners", "--json"]) == exits.OK
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)["runners"]}


def test_it_lists_what_is_here_what_is_missing_and_how_to_get_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = listed(capsys)
    assert {"scripted", "model", "kiro", "claude", "codex", "gemini", "goose", "opencode"} <= set(rows)
    assert rows["scripted"]["state"] == "ready"
    assert (rows["goose"]["state"], rows["goose"]["key"]) == ("ready", "OPENROUTER_API_KEY")
    assert rows["codex"]["state"] == "no key"
    assert "CODEX_API_KEY" in rows["codex"]["remedy"]
    assert rows["kiro"]["state"] == "not here"
    assert rows["kiro"]["remedy"]


def test_people_read_the_same(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runners"]) == exits.OK
    said = capsys.readouterr().out
    assert "goose     ready" in said
    assert "signs in with OPENROUTER_API_KEY" in said
    assert "→ Export CODEX_API_KEY or OPENAI_API_KEY, or sign in (~/.codex/auth.json)." in said


def test_a_sign_in_of_ones_own_counts(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_text("{}")
    assert listed(capsys)["codex"]["key"] == "~/.codex/auth.json"


def test_the_value_of_a_key_is_never_printed(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "very-secret-1234")
    main(["runners"])
    main(["runners", "--json"])
    assert "very-secret" not in capsys.readouterr().out


def test_the_doctor_takes_one_real_turn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--runner", "scripted", "--json"]) == exits.OK
    told = json.loads(capsys.readouterr().out)
    assert told["ok"]
    assert [check["name"] for check in told["checks"]] == ["scripted"]
    assert "wrote output/digests/" in told["checks"][0]["detail"]


@pytest.mark.parametrize(
    ("behaviour", "state", "words"),
    [
        ("not_signed_in", "failed", "not signed in"),
        ("no_tools", "failed", "never listed the tools"),
        ("good", "warning", "wrote nothing"),
        ("works", "ok", "wrote output/new.md"),
    ],
)
def test_the_doctor_says_what_is_wrong_with_a_runner(
    behaviour: str, state: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MURMUR_CUSTOM_COMMAND", f"{sys.executable} -S {AGENT} {behaviour}")
    code = main(["doctor", "--runner", "custom", "--json"])
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert check["state"] == state
    assert words in check["detail"]
    assert code == (exits.ERROR if state == "failed" else exits.OK)


def test_the_doctor_knows_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--runner", "geese"]) == exits.ERROR
    assert "no runner 'geese'" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["run", "--direction", "Go."], ["up"]])
@pytest.mark.parametrize(
    ("runner", "words"), [("kiri", "Did you mean 'kiro'?"), ("kiro", "is not here: no kiro-cli"), ("custom", "custom")]
)
def test_a_runner_that_is_not_here_is_found_before_anything_starts(
    here: Path, tmp_path: Path, verb: list[str], runner: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, "--runner", runner, "--home", str(tmp_path / "home")]) == exits.USAGE
    assert words in capsys.readouterr().err
    assert not (tmp_path / "home").exists()
