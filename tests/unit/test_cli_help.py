"""What a person meets who does not know the command yet: the help of every verb, and the answer to every slip."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from murmur.cli import exits
from murmur.cli.main import main, parser_of
from murmur.cli.overview import NEXT, VERBS
from murmur.cli.parser import Parser
from tests.unit.test_cli_flock import FakeFlock, error, serving


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, no flock, no account: nothing that a slip could reach."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MURMUR_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("MURMUR_URL", "MURMUR_TOKEN", "MURMUR_DEBUG", "MURMUR_BUCKET", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def options(parser: Parser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if action.dest != "help")


def slip(word: str) -> str:
    """The word with two letters in the middle changed places; one dropped where they are the same."""
    at = len(word) // 2
    swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return swapped if swapped != word else word[:at] + word[at + 1 :]


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said to a wrong line: on standard error, as what happened and what to do, and nothing was begun."""
    assert main(words) == exits.USAGE, words
    out, said = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in said
    lines = said.rstrip("\n").split("\n")
    assert len(lines) == 2, said
    assert lines[0].startswith("murmur"), said
    assert lines[1].startswith(("Try '", "  → ")), said
    return lines[0]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_command_says_what_it_is_for_how_it_is_written_and_what_comes_next(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == exits.OK
    said = capsys.readouterr().out
    purpose = VERBS[verb][0].upper() + VERBS[verb][1:] + "."
    assert purpose in " ".join(said.split())
    examples = said.split("examples:\n")[1].split("\n\n")[0].splitlines()
    assert re.search(rf"\bmurmur {verb}\b", examples[0])
    assert all("murmur " in line for line in examples)
    assert f"next: {NEXT[verb]}" in said


@pytest.mark.parametrize("verb", VERBS)
def test_every_argument_of_a_command_is_explained(verb: str) -> None:
    silent = [action.option_strings or action.dest for action in options(parser_of(verb)) if not action.help]
    assert silent == []


@pytest.mark.parametrize("verb", VERBS)
def test_an_option_that_takes_a_number_names_its_unit_or_what_it_counts(verb: str) -> None:
    units = re.compile(r"\b(number|how many|agents|port|iteration|behind|seed|neighbours|work)\b")
    for action in options(parser_of(verb)):
        if action.type in (None, str, Path) or not action.option_strings:
            continue
        told = f"{action.metavar or action.dest} {action.help}".lower()
        seconds = re.search(r"second|minute|time|\bm\b|\bs\b", told)
        assert seconds or units.search(told), (verb, action.option_strings, told)


@pytest.mark.parametrize("verb", VERBS)
def test_a_slip_in_a_command_names_the_command(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"Did you mean '{verb}'?" in refused([slip(verb)], capsys)
    assert f"Did you mean '{verb}'?" in refused(["help", slip(verb)], capsys)


@pytest.mark.parametrize("verb", VERBS)
def test_a_slip_in_an_option_names_an_option_and_does_nothing(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = parser_of(verb)
    needed = ["3"] if verb == "logs" else ["--agent", "3"] if verb == "prompt" else []
    for action in options(parser):
        for name in action.option_strings:
            if not name.startswith("--"):
                continue
            said = refused([verb, *needed, slip(name)], capsys)
            meant = re.search(r"Did you mean '(--[\w-]+)'\?", said)
            assert meant, said
            assert meant[1] in parser._option_string_actions


@pytest.mark.parametrize(
    "words",
    [
        ["up", "--port", "eighty"],
        ["up", "--port", "-1"],
        ["up", "--think", "long"],
        ["run", "--agents", "many", "--direction", "x"],
        ["run", "--agents", "0", "--direction", "x"],
        ["run", "--radius", "1.5", "--direction", "x"],
        ["run", "--interval", "0", "--direction", "x"],
        ["run", "--max-minutes", "nan", "--direction", "x"],
        ["logs", "3", "--after", "soon"],
        ["start", "--wait", "soon"],
        ["watch", "--seconds", "0"],
        ["doctor", "--seconds", "x"],
        ["simulate", "--agents", "many"],
        ["simulate", "--seed", "x"],
        ["simulate", "--think", "soon"],
        ["cost", "--agents", "0"],
        ["cost", "--per-instance", "x"],
        ["deploy", "--concurrency-cap", "0"],
        ["analyse", "--seconds", "-1"],
    ],
)
def test_a_wrong_value_is_quoted_beside_its_option(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(words, capsys)
    option = next(word for word in words if word.startswith("--"))
    assert f"argument {option}" in said
    assert repr(words[words.index(option) + 1]) in said
    assert "invalid" not in said  # argparse's own words, which name a type of Python's


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["run", "--algorithm", "mehs", "--direction", "x"], "mesh"),
        (["simulate", "--mode", "evnet"], "event"),
        (["simulate", "--faults", "dfault"], "default"),
        (["files", "pul", "x"], "pull"),
        (["direction", "ste", "x"], "set"),
        (["queues", "peeek", "3"], "peek"),
        (["config", "sett", "concurrency=3"], "set"),
        (["up", "--runner", "kirro"], "kiro"),
        (["--flok", "x", "status"], "--flock"),
        (["--hlep"], "--help"),
    ],
)
def test_a_slip_in_a_value_names_the_value(words: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"Did you mean '{meant}'?" in refused(words, capsys)


@pytest.mark.parametrize("words", [["--flock"], ["--flock", "docs"], ["--url", "http://127.0.0.1:1"]])
def test_a_flock_without_a_command_is_answered_with_an_example(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert words[0] in refused(words, capsys)


@pytest.mark.parametrize("option", [["--url", "http://127.0.0.1:1"], ["--home", "nowhere"]])
def test_which_flock_may_be_said_before_the_command(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*option, "status"]) == exits.UNREACHABLE
    before = capsys.readouterr().err
    assert main(["status", *option]) == exits.UNREACHABLE
    assert capsys.readouterr().err == before
    assert option[1] in before


def test_a_home_that_is_not_there_is_told_from_one_at_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path / "nowhere")]) == exits.UNREACHABLE
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / "rest").mkdir()
    assert main(["status", "--home", str(tmp_path / "rest")]) == exits.UNREACHABLE
    assert "is not running" in capsys.readouterr().err


@pytest.mark.parametrize("value", [["--model-prices", "cheap"], ["--model-context", "tiny"]])
def test_settings_of_the_model_are_checked_also_where_the_configuration_names_it(
    value: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MURMUR_MODEL", raising=False)
    assert value[1] in refused(["up", *value], capsys)


def test_a_run_without_a_direction_is_refused_before_a_server_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no direction" in refused(["run", "--agents", "2"], capsys)
    assert not (tmp_path / ".murmur").exists()


@pytest.mark.parametrize("words", [["config", "set", "concurency=3"], ["start", "--set", "concurency=3"]])
def test_a_slip_in_a_field_of_the_configuration_names_the_field(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flock = FakeFlock()
    refusal = error(400, "invalid_config", "concurency = 3 is not allowed: there is no such field.", "Leave it out.")
    for request in ("PUT /cluster/config", "POST /cluster/start"):
        flock.refuse[request] = (400, refusal)
    with serving(flock) as running:
        assert main([*words, "--url", running.url]) == exits.ERROR
    assert "Did you mean 'concurrency'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "logdays=90"], "Did you mean 'log_days'?"),
        (["--set", "log_days=91"], "log_days"),
        (["--email", "nobody"], "it must be one e-mail address"),
        (["--runners", "Scripted!"], "runners"),
        (["--concurrency-cap", "5000"], "concurrency_cap"),
    ],
)
@pytest.mark.parametrize("verb", ["deploy", "diff"])
def test_a_wrong_choice_is_refused_before_an_account_is_asked(
    verb: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused([verb, *words], capsys)


def test_a_runner_that_cannot_be_installed_is_refused_before_an_account_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["deploy", "--runners", "scriptd"]) == exits.ERROR
    told = capsys.readouterr().err
    assert "'scriptd'" in told
    assert "scripted" in told.split("→")[1]
