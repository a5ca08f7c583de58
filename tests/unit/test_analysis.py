"""What an analysis tells, from logs whose answers are known; its routes, its words and its picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from murmur import keys
from murmur.analysis import Analysis, analyse
from murmur.cli.analysing import overview
from murmur.cli.analysis_picture import picture
from murmur.cli.main import main
from murmur.entry import LogEntry, Usage, Waker
from tests.unit.api_twins import RUN, entry, flock
from tests.unit.test_cli_flock import FakeFlock, serving


def at(second: float, iteration: int, **more: Any) -> LogEntry:
    woken = tuple(Waker(agent=agent, iteration=number) for agent, number in more.pop("woken_by", ()))
    return entry(iteration, ts=f"2026-11-23T06:00:{second:06.3f}Z", woken_by=woken, turn_ms=1000, **more)


LOGS = {
    0: [
        at(1, 0, action="wrote alpha", files=("output/a.md",)),
        at(5, 1, woken_by=((1, 0),), wake_ms=100, state="idle", action="rest", cause="neighbour"),
    ],
    1: [
        at(3, 0, woken_by=((0, 0),), wake_ms=300, action="wrote alpha", files=("output/a.md", "output/b.md"), cause="neighbour",
           usage=Usage(input_tokens=10, output_tokens=5, cost=0.5)),
        at(4, 1, failed=True),
        at(9, 2, state="idle", action="rest", woken_by=((0, 1), (2, 0)), wake_ms=900),
    ],
    2: [at(10, 0, state="idle", action="rest", woken_by=((1, 1),), wake_ms=200, files=("output/b.md",))],
}  # fmt: skip


def test_each_iteration_counts_who_got_there_and_who_rests_by_then() -> None:
    found = analyse(RUN, LOGS)
    rows = [
        (s.iteration, s.agents, s.working, s.idle, s.failed, s.at_rest, s.new_files, s.rewritten) for s in found.steps
    ]
    assert rows == [(0, 3, 2, 1, 0, 0.3333, 2, 2), (1, 2, 0, 1, 1, 0.6667, 0, 0), (2, 1, 0, 1, 0, 1.0, 0, 0)]
    assert found.rested_at == 2
    assert found.steps[0].likeness is not None
    assert found.steps[0].likeness > 0


def test_a_flock_that_never_rests_is_told_so() -> None:
    assert analyse(RUN, {0: [at(1, 0)], 1: [at(1, 0, state="idle")]}).rested_at is None
    assert analyse(RUN, {0: [at(1, 0, state="idle")], 1: []}).rested_at is None


def test_the_wake_graph_names_who_woke_whom_how_often_and_how_long_it_took() -> None:
    found = analyse(RUN, LOGS)
    assert {(e.source, e.target): (e.wakes, e.median_ms) for e in found.influence} == {
        (0, 1): (2, 300), (1, 0): (1, 100), (1, 2): (1, 200), (2, 1): (1, None),
    }  # fmt: skip
    assert found.influence[0].wakes == 2
    assert [agent.caused for agent in found.work] == [2, 2, 1]
    assert found.deepest == 3
    assert (found.median_wake_ms, found.slow_wake_ms) == (250, 900)


def test_wakes_that_name_each_other_make_no_endless_chain() -> None:
    found = analyse(RUN, {0: [at(1, 0, woken_by=((1, 0),))], 1: [at(1, 0, woken_by=((0, 0),))]})
    assert 1 <= found.deepest <= 2


def test_duplicate_work_is_files_of_several_agents_and_words_said_twice() -> None:
    found = analyse(RUN, LOGS)
    assert [(f.key, f.agents, f.writes) for f in found.duplicates] == [
        ("output/a.md", (0, 1), 2),
        ("output/b.md", (1, 2), 2),
    ]
    assert found.duplicate_share == 1.0
    assert [(one.words, one.agents, one.times) for one in found.repeated] == [("wrote alpha → r", (0, 1), 2)]


def test_time_and_tokens_are_told_by_agent_and_in_all() -> None:
    found = analyse(RUN, LOGS)
    assert found.span_seconds == 10.0
    assert [agent.busy_ms for agent in found.work] == [2000, 3000, 1000]
    assert [agent.idle_share for agent in found.work] == [0.8, 0.7, 0.9]
    assert found.idle_share == 0.8
    assert (found.input_tokens, found.output_tokens, found.cost) == (10, 5, 0.5)
    assert found.work[1].causes == {"neighbour": 1, "start": 2}


@pytest.mark.parametrize("logs", [{}, {0: []}, {0: [entry(0, ts="never", turn_ms=10**15)]}])
def test_logs_with_nothing_or_nonsense_in_them_are_told_of_and_drawn(logs: dict[int, list[LogEntry]]) -> None:
    found = analyse(RUN, logs)
    assert 0.0 <= found.idle_share <= 1.0
    assert overview(found)
    ET.fromstring(picture(found))


async def test_the_route_of_the_present_run_and_of_an_earlier_one_agree() -> None:
    world = flock()
    await world.be("running")
    for agent, log in LOGS.items():
        await world.log(agent, *log)
        await world.store.put(keys.history("20200101T000000Z", keys.log(agent)), b"".join(e.to_line() for e in log))
    now = (await world.call("GET", "/cluster/analysis")).json
    before = (await world.call("GET", "/cluster/history/20200101T000000Z/analysis")).json
    assert Analysis.model_validate(now) == analyse(RUN, LOGS, current=True)
    assert {**before, "run": RUN, "current": True} == now
    for run, status in (("20190101T000000Z", 404), ("..", 400), ("a b", 400)):
        assert (await world.call("GET", f"/cluster/history/{run}/analysis")).status == status


async def test_before_the_first_run_there_is_nothing_to_tell_and_no_error() -> None:
    answer = await flock().call("GET", "/cluster/analysis")
    assert (answer.status, answer.json["entries"]) == (200, 0)


async def test_a_very_long_run_is_read_in_part_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.api.analysis.MOST_ENTRIES", 4)
    world = flock()
    await world.be("running")
    await world.log(0, *(entry(n) for n in range(9)))
    answer = (await world.call("GET", "/cluster/analysis")).json
    assert (answer["entries"], answer["truncated"]) == (4, True)


HOSTILE = "</text><script>alert(1)</script>\x1b[31m ]]> & \"' \u202e"


def test_agents_words_neither_leave_the_picture_nor_repaint_the_terminal() -> None:
    logs = {
        0: [at(1, 0, action=HOSTILE, result=HOSTILE, files=(HOSTILE,))],
        1: [at(2, 0, action=HOSTILE, result=HOSTILE, files=(HOSTILE,))],
    }
    found = analyse(HOSTILE, logs)
    tree = ET.fromstring(picture(found))
    assert not [part for part in tree.iter() if part.tag.endswith("script")]
    assert all(line.isprintable() for line in overview(found))


def test_the_picture_draws_every_pair_and_every_agent() -> None:
    found = analyse(RUN, LOGS)
    text = picture(found)
    assert text.count("</path>") >= len(found.influence)
    for edge in found.influence:
        assert f"agent-{edge.source} woke agent-{edge.target} {edge.wakes} times" in text
    for agent in found.work:
        assert f"agent-{agent.agent}: {agent.turns} turns" in text


class Analysed(FakeFlock):
    """A flock that answers with an analysis."""

    def on_analysis(self, _request: Any, _body: bytes) -> Any:
        return analyse(RUN, LOGS, current=True).model_dump(mode="json")


def test_the_command_prints_draws_and_does_not_write_over_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "run.svg"
    with serving(Analysed()) as running:
        assert main(["analyse", "--url", running.url, "--svg", str(drawn)]) == 0
        assert "agent-0 → agent-1: 2 wakes, median 300 ms" in capsys.readouterr().out
        ET.parse(drawn)
        assert main(["analyse", "--url", running.url, "--svg", str(drawn)]) == 2
        capsys.readouterr()
        assert main(["analyse", "--url", running.url, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["entries"] == 6
