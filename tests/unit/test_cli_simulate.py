"""``murmur simulate``: its arguments, its table, its JSON and its picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from murmur.cli import exits
from murmur.cli.main import main
from murmur.cli.verbs.simulate import seconds

SMALL = ["simulate", "--agents", "6", "--think", "2s", "--contributions", "6"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("word", "value"), [("20s", 20), ("20", 20), ("2m", 120), ("1.5min", 90), ("500ms", 0.5), ("1h", 3600)]
)
def test_lengths_of_time_are_read_with_their_units(word: str, value: float) -> None:
    assert seconds(word) == pytest.approx(value)


def test_table_sets_the_design_beside_the_other_and_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SMALL) == exits.OK
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == ["event", "polling", "limit"]
    for row in ("news reaches everyone", "turns made / needed", "rescues", "S3 PUT", "EventBridge events", "$ an hour"):
        assert row in said
    assert "6 agents, radius 1: 3 hops" in said
    assert "minTurnGapSeconds 1" in said


def test_json_has_everything_the_table_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--json", "--mode", "polling", "--faults", "default"]) == exits.OK
    found = json.loads(capsys.readouterr().out)
    assert [design["mode"] for design in found["designs"]] == ["polling", "event"]
    assert found["question"]["hops"] == 3
    event = found["designs"][1]
    assert event["turns_made"] >= event["turns_needed"] >= 6
    assert event["work"]["s3_writes"] > 0
    assert event["turns_at_rest_per_hour"] == 0


def test_one_command_line_has_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    tables = []
    for _ in range(2):
        assert main([*SMALL, "--seed", "9"]) == exits.OK
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]


def test_plot_is_a_picture_of_both_designs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--plot", "news.svg"]) == exits.OK
    assert "news.svg" in capsys.readouterr().err
    root = ET.parse(tmp_path / "news.svg").getroot()
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2
    assert all(len(line.attrib["points"].split()) == 6 for line in lines)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--agents", "0"], "'0' is not a whole number above 0"),
        (["--agents", ""], "is not a whole number above 0"),
        (["--agents", "many"], "is not a whole number above 0"),
        (["--think", "soon"], "write 20s, 500ms, 2m or 1h"),
        (["--think", ""], "write 20s, 500ms, 2m or 1h"),
        (["--think", "0s"], "not above 0 and at most an hour"),
        (["--think", "2h"], "not above 0 and at most an hour"),
        (["--mode", "evnt"], "Did you mean 'event'?"),
        (["--faults", "some"], "not one of none, default"),
        (["--agnets", "8"], "Did you mean '--agents'?"),
        (["--contributions", "99999"], "too many"),
        (["--plot", "news.png"], "does not end in .svg"),
        (["--plot", "nowhere/news.svg"], "There is no folder nowhere"),
        (["--interval", "1ms"], "loopIntervalSeconds"),
    ],
)
def test_a_wrong_argument_is_answered_before_anything_runs(
    words: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *words]) == exits.USAGE
    assert answer in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--agents", "99999"], "concurrency"),
        (["--agents", "8", "--radius", "5"], "at most half the flock"),
    ],
)
def test_a_flock_that_cannot_be_is_answered_with_the_rule(
    words: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *words]) == exits.USAGE
    assert answer in capsys.readouterr().err


def test_a_flock_of_one_has_nobody_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--agents", "1", "--think", "1s", "--contributions", "3", "--plot", "one.svg"]) == exits.OK
    assert "0 hops" in capsys.readouterr().out
