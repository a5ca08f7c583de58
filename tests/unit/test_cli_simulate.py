"""``murmur simulate``: its arguments, its table, its JSON and its picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from murmur.cli import exits
from murmur.cli.main import main
from murmur.cli.verbs.simulate import seconds
from murmur.simulate.mishaps import MOST_CRASHES
from murmur.simulate.plot import WIDTH, round_step
from murmur.simulate.profile import EVENT_LATE_SECONDS, FAULTS
from tests.docs import simulate_page

pytestmark = pytest.mark.usefixtures("elsewhere")
SVG = "{http://www.w3.org/2000/svg}"
SMALL = ["simulate", "--agents", "6", "--think", "2s", "--contributions", "6"]


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


def test_what_faults_mean_is_what_the_help_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--help"]) == exits.OK
    said = " ".join(capsys.readouterr().out.split())
    aws, default = (FAULTS[name] for name in ("aws", "default"))
    for one in (aws, default):
        assert (
            ", ".join(f"{100 * rate:g}" for rate in (one.event_lost, one.event_doubled, one.event_late)) + " %" in said
        )
    assert f"turns that fail {100 * aws.bad_turn:g} % {100 * default.bad_turn:g} %" in said
    assert f"die {60 * aws.crashes_per_minute:g} an hour {60 * default.crashes_per_minute:g} an hour" in said
    assert f"each dies at most {MOST_CRASHES} times" in said
    assert "late: {:g} to {:g} s".format(*EVENT_LATE_SECONDS) in said
    assert set(FAULTS) == {"none", "aws", "default"}


def test_faults_show_in_the_table_what_befell_the_flock(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--faults", "default", "--seed", "2"]) == exits.OK
    captured = capsys.readouterr()
    rows = {line[:26].strip(): line[26:].split() for line in captured.out.splitlines()}
    assert int(rows["turns that failed"][0]) > 0
    assert "hosts that died" in rows
    assert captured.err == ""
    assert main(SMALL) == exits.OK
    assert "turns that failed" not in capsys.readouterr().out


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
    curves = [path.attrib["d"] for path in root.iter(f"{SVG}path")]
    assert [curve.count("V") for curve in curves] == [6, 6]  # each agent's learning is a step
    words = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    for part in ("ring of 6, radius 1", "event: ", "polling: ", "limit 9 s", "× the limit"):
        assert part in words
    for element in root.iter():
        for name in ("x", "x1", "x2"):
            assert 0 <= float(element.attrib.get(name, 0)) <= WIDTH


@pytest.mark.parametrize(
    ("least", "step"), [(0.7, 1), (1, 1), (1.1, 2), (3, 5), (6, 10), (112, 200), (0.03, 0.05), (1000, 1000)]
)
def test_ticks_stand_at_round_numbers(least: float, step: float) -> None:
    assert round_step(least) == pytest.approx(step)


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
        (["--faults", "some"], "not one of none, aws, default"),
        (["--faults", "defualt"], "Did you mean 'default'?"),
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


def test_the_how_to_page_shows_the_table_that_the_tool_prints(capsys: pytest.CaptureFixture[str]) -> None:
    shown = simulate_page.table(simulate_page.TARGET.read_text("utf-8"))
    assert main(SMALL) == exits.OK
    printed = capsys.readouterr().out.partition("\n\n")[0]

    def names(table: str) -> list[str]:
        return [line[:28].strip() for line in table.splitlines() if not line.startswith("─")][1:]

    assert names(shown) == names(printed), "run: ./dev docs"
    picture = ET.parse(simulate_page.PICTURE).getroot()
    reached = [line.split()[3:6] for line in shown.splitlines() if line.startswith("news reaches everyone")]
    words = " ".join(text.text or "" for text in picture.iter(f"{SVG}text"))
    assert f"event: {float(reached[0][0].replace(',', '')):,.0f} s" in words, "run: ./dev docs"
