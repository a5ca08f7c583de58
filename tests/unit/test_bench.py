"""The benchmarks' own tools: statistics, the clock around steps, and the page. What they measure is no test's business."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import __main__ as command
from tests.bench import page, supervise
from tests.bench.clocked import clocked, wrapped
from tests.bench.findings import Findings, Table
from tests.bench.machine import ROOT, Busy, description
from tests.bench.sections import SECTIONS
from tests.bench.stats import median, ms, number, percentile, ratio, times
from tests.bench.supervise import Ran

MACHINE = {"CPU": "a | b", "commit": "0123456789ab", "date": "2026-11-23 12:00 UTC"}
FOUND = Findings("Measured so.", (Table(("what", "p50, ms"), (("a|b", "1.0"), ("longer", "12.5"))),), ("Mind this.",))
WAKE = Ran("wake", FOUND, "", 12.4, 0.3, 0.05, first=True)
FAILED = Ran(
    "ring", None, f"ended with status 1\n```\nOops at {ROOT}/x.py, from file:///srv/a/", 3.0, 2.7, 0.1, first=False
)


def test_percentiles_are_interpolated_and_nothing_has_none() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.5 == median([1.0, 2.0, 3.0, 4.0])
    assert percentile([1.0, 2.0], 0) == 1.0
    assert percentile([1.0, 2.0], 100) == 2.0
    assert percentile([7.0], 99) == 7.0
    assert percentile(list(range(101)), 99) == 99
    assert math.isnan(percentile([], 50))
    assert math.isnan(median([]))


def test_ratios_of_nothing_are_dashes() -> None:
    assert times(ratio(3.0, 2.0)) == "1.50 ×"
    assert times(ratio(3.0, 0.0)) == number(math.nan) == times(ratio(math.nan, 2.0)) == "–"
    assert (ms(0.01234), ms(1.5, 0), number(1234567.8)) == ("12.3", "1,500", "1,234,568")


def test_table_stands_in_line_and_its_cells_cannot_break_out() -> None:
    assert FOUND.tables[0].markdown().splitlines() == [
        "| what   | p50, ms |",
        "| ------ | ------: |",
        "| a\\|b   |     1.0 |",
        "| longer |    12.5 |",
    ]
    with pytest.raises(ValueError, match="does not fit"):
        Table(("one", "two"), (("only one",),))


def test_findings_travel_as_json() -> None:
    assert Findings.from_json(FOUND.to_json()) == FOUND


def test_page_has_every_section_its_command_and_what_failed() -> None:
    text = page.page([WAKE, FAILED], MACHINE)
    assert text.index("`./dev bench wake`") < text.index("Measured so.") < text.index("Mind this.")
    assert "| CPU | a \\| b |" in text
    assert "`./dev bench ring`" in text
    assert "**It failed.**" in text
    assert "'''\nOops at ./x.py, from (address)\n```" in text
    assert "| ring | 3 | 2.70 | 0.10 | failed |" in text
    assert "| all | 15 |" in text
    assert "loaded: not" not in text


def test_section_is_loaded_by_others_and_not_by_the_section_before_it() -> None:
    assert not replace(FAILED, load=9.0).loaded
    assert replace(WAKE, load=1.6).loaded
    assert replace(FAILED, others=0.6).loaded
    assert "**loaded: not to be trusted**" in page.section(replace(WAKE, others=1.2), MACHINE)


def test_one_section_is_renewed_and_the_others_stand() -> None:
    before = page.page([WAKE, FAILED], MACHINE)
    found = page.renewed(before, replace(FAILED, findings=Findings("Works \\1 now."), error=""), MACHINE)
    assert "It failed" not in found
    assert "Works \\1 now." in found
    assert page.section(WAKE, MACHINE) in found
    assert page.renewed(before, FAILED, MACHINE) == before
    slower = page.renewed(before, replace(WAKE, seconds=WAKE.seconds + 100), MACHINE)
    total = f"| all | {round(WAKE.seconds) + 100 + round(FAILED.seconds)} |"
    assert total in slower
    assert f"| wake | {WAKE.seconds + 100:.0f} |" in slower
    assert total not in before
    with pytest.raises(ValueError, match="0 sections"):
        page.renewed(before, replace(WAKE, name="turn"), MACHINE)


def test_clock_times_steps_of_both_kinds_and_leaves_no_trace() -> None:
    class Worker:
        def quick(self) -> int:
            return 1

        async def slow(self) -> int:
            raise ValueError("it fails")

    plain = dict(vars(Worker))
    with clocked({"quick": (Worker, "quick"), "slow": (Worker, "slow")}) as took:
        assert Worker().quick() == 1
        assert Worker().quick() == 1
        with pytest.raises(ValueError, match="it fails"):
            asyncio.run(Worker().slow())
        assert {step: len(seconds) for step, seconds in took.items()} == {"quick": 2, "slow": 1}
    assert dict(vars(Worker)) == plain


def test_clock_names_a_step_that_the_code_no_longer_has() -> None:
    class Worker:
        pass

    with pytest.raises(AttributeError, match="Worker has no gone"), wrapped({(Worker, "gone"): lambda it: it}):
        pass


def test_what_others_use_is_what_is_left_of_the_machine() -> None:
    assert Busy(14.0, 9.0, 5.0).others_since(Busy(10.0, 2.0, 2.0)) == pytest.approx(1.0)
    assert Busy(14.0, 3.0, 5.0).others_since(Busy(10.0, 2.0, 2.0)) == 0.0


def test_machine_is_described_in_full() -> None:
    assert set(description()) == {"CPU", "cores", "memory", "kernel", "Python", "commit", "date"}
    assert all(description().values())


def test_section_over_its_limit_is_ended_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECTIONS, "scale", replace(SECTIONS["scale"], limit_seconds=0.01))
    ran = supervise.run("scale", small=True)
    assert ran.findings is None
    assert ran.error.startswith("not done after 0 s, and ended")


def test_failed_section_makes_the_command_fail_and_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "benchmarks.md"
    monkeypatch.setattr(page, "TARGET", target)
    asked: list[str] = []

    def run(name: str, *, small: bool, first: bool) -> Ran:
        asked.append(name)
        return replace(FAILED if name == "ring" else WAKE, name=name, first=first)

    monkeypatch.setattr(supervise, "run", run)
    assert command.main(["wake", "ring", "turn"]) == 1
    assert asked == ["wake", "ring", "turn"]
    assert command.main(["wake"]) == 0
    assert not target.exists(), "what was only asked to be printed was written"
    assert command.main([]) == 1
    assert asked[-len(SECTIONS) :] == list(SECTIONS)
    assert "| ring | 3 |" in target.read_text("utf-8")
    assert "**It failed.**" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["wkae"], "there is no section 'wkae'; there are wake,"),
        (["--small", "--write", "wake"], "--small measures too roughly"),
        (["--write", "wake"], "run ./dev bench without a name first"),
    ],
)
def test_wrong_command_line_is_told_before_anything_runs(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervise, "run", lambda *_, **__: pytest.fail("it ran"))
    monkeypatch.setattr(page, "TARGET", tmp_path / "benchmarks.md")
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
