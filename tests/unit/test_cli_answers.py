"""What the command says of little, of much and of what went wrong: status, direction, logs, analyses, results, an assistant's tools."""

from __future__ import annotations

import json
import os
import threading
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from murmur.analysis.report import AgentWork, Analysis, DuplicateFile, Influence, Repeated, Step
from murmur.cli import exits, knowledge, mission
from murmur.cli.analysing import fetch, overview
from murmur.cli.analysis_picture import picture
from murmur.cli.client import Answered, Client
from murmur.cli.find import Target
from murmur.cli.knowledge import collect, upload
from murmur.cli.main import main
from murmur.cli.mcp import looking, steering
from murmur.cli.mcp.call import Call, Flock
from murmur.cli.parser import UsageError
from murmur.cli.results import check_folder, pull
from murmur.cli.shapes import Status
from murmur.cli.summary import Report, print_report
from murmur.errors import MurmurError, NotFound
from tests.unit.test_cli_flock import RUN, FakeFlock, entry, serving

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture
def flock() -> Iterator[FakeFlock]:
    with serving(FakeFlock(run=RUN)) as running:
        yield running


def call(flock: FakeFlock, *words: str) -> int:
    return main([*words, "--url", flock.url])


# ── words before a flock is asked ──


def test_help_and_version_stand_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "status"]) == exits.OK
    assert "usage: murmur status" in capsys.readouterr().out
    assert main(["--version"]) == exits.OK
    assert capsys.readouterr().out.startswith("murmur ")
    assert main(["--verbose"]) == exits.USAGE
    assert "there is no option '--verbose'" in capsys.readouterr().err


def test_which_flock_may_be_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--flock", "nobody-knows-it", "status"]) == exits.ERROR
    assert "nobody-knows-it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--flock", "a", "--url", "http://127.0.0.1:1"],
        ["status", "--url", "flock.example.org"],
        ["direction", "set"],
        ["direction", "show", "text"],
        ["mcp", "--folder", "nowhere"],
        ["prompt", "--agent", "0"],
        ["login"],
    ],
)
def test_a_line_that_means_nothing_is_a_wrong_line(words: list[str]) -> None:
    assert main(words) == exits.USAGE


@pytest.mark.parametrize(
    "text", ["", "[]", '{"url": 3}', '{"url": "http://127.0.0.1:1", "pid": 0}', '{"pid": "x", "url": ""}']
)
def test_a_damaged_note_of_a_server_is_no_server(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".murmur").mkdir()
    (tmp_path / ".murmur/runtime.json").write_text(text)
    assert main(["status"]) == exits.UNREACHABLE
    assert "is not running" in capsys.readouterr().err


def test_ctrl_c_anywhere_ends_with_130(flock: FakeFlock, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "status", interrupted)
    assert call(flock, "status") == exits.INTERRUPTED


# ── status, direction, logs ──


def test_a_flock_that_needs_a_person_says_so_in_its_status(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.totals = {"repairs": 3}
    told = flock.status() | {"notices": ["12 dead letters"], "algorithm": "mesh", "agents": [], "repairs": 3}
    flock.refuse["GET /cluster/status"] = (200, told)
    assert call(flock, "status") == exits.OK
    said = capsys.readouterr().out
    assert "note    12 dead letters" in said
    assert "mesh, runner scripted (scripted, no model)" in said
    assert "No agents. Start a run" in said


def test_a_direction_that_is_not_there_is_said_and_one_that_is_cannot_command_the_terminal(
    flock: FakeFlock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(flock, "direction") == exits.OK
    assert "No direction yet" in capsys.readouterr().err
    flock.text = "Go.\x1b[2J\nRest.\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert call(flock, "direction") == exits.OK
    assert "\x1b" not in capsys.readouterr().out
    assert call(flock, "direction", "--json") == exits.OK
    assert json.loads(capsys.readouterr().out)["text"] == flock.text


def test_an_agent_that_wrote_nothing_is_said_to_have(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(flock, "logs", "1") == exits.OK
    assert "agent-1 has no entries yet." in capsys.readouterr().err
    assert call(flock, "logs", "1", "--after", "7") == exits.OK
    assert "agent-1 has no entries after 7." in capsys.readouterr().err


def test_a_turn_that_ended_badly_is_shown_with_its_reason_and_its_doubts(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.entries[1] = [
        entry(0, stop_reason="timeout", turn_ms=1500, wake_ms=12, refused=["output/a.md: changed"], doubts=["no file"]),
        entry(1, result="", next_intent="", stop_reason="end_turn"),
    ]
    assert call(flock, "logs", "1") == exits.OK
    said = capsys.readouterr().out
    for part in ("[timeout]", "heard after 12 ms", "took 1.5", "refused output/a.md: changed", "doubt  no file"):
        assert part in said
    assert "[end_turn]" not in said


# ── analyses ──


def work(agent: int, **more: Any) -> AgentWork:
    fields = {
        "turns": 2, "failed": 0, "idle_entries": 1, "busy_ms": 1000, "idle_share": 0.5, "files": 1, "input_tokens": 0,
        "output_tokens": 0, "cost": 0.0, "causes": {}, "caused": 0, "refused": 0, "doubts": 0,
    }  # fmt: skip
    return AgentWork(agent=agent, **(fields | more))


def step(iteration: int) -> Step:
    return Step(
        iteration=iteration, agents=1, working=1, idle=0, failed=0, at_rest=0.0, new_files=0, rewritten=0, likeness=None
    )


LARGE = Analysis(
    run=RUN,
    current=True,
    agents=70,
    entries=140,
    truncated=True,
    median_wake_ms=120,
    input_tokens=5,
    steps=tuple(step(n) for n in range(60)),
    influence=(Influence(source=0, target=1, wakes=3, median_ms=None), Influence(source=0, target=99, wakes=1, median_ms=5)),
    duplicates=(DuplicateFile(key="output/a\x1b[2J.md", agents=(0, 1), writes=2),),
    repeated=(Repeated(words="again", agents=(0, 1), times=4),),
    work=tuple(work(n) for n in range(70)),
)  # fmt: skip


def test_a_large_analysis_is_told_in_part_and_says_what_is_left_out() -> None:
    lines = overview(LARGE)
    text = "\n".join(lines)
    for part in (
        "only the first entries of each log were read",
        "a wake took 120 ms (median), 0 ms in the slowest twentieth",
        "(24 of 60 iterations shown; --json has all)",
        "agent-0 → agent-1: 3 wakes\n",
        "said 4 times by agents 0, 1: again",
        "… and 6 more; --json has all",
    ):
        assert part in text
    assert "\x1b" not in text


def test_an_analysis_of_little_says_what_there_is_not() -> None:
    assert overview(Analysis(run="", current=True, agents=0, entries=0)) == [
        "run none yet: no entries, nothing to tell"
    ]
    text = "\n".join(overview(Analysis(run=RUN, current=False, agents=1, entries=1, work=(work(0),))))
    assert "no entry says that another woke it" in text
    assert "duplicate work: none found" in text


@pytest.mark.parametrize(
    "found",
    [
        LARGE,
        Analysis(run=RUN, current=True, agents=0, entries=0),
        Analysis(run=RUN, current=True, agents=1, entries=1, steps=(step(0),), work=(work(0, busy_ms=0, files=0),)),
    ],
    ids=["much", "nothing", "one agent"],
)
def test_any_analysis_can_be_drawn(found: Analysis) -> None:
    drawn = picture(found)
    assert drawn.startswith("<svg")
    assert ("agent-0 woke agent-1 3 times" in drawn) == bool(found.influence)
    assert "agent-99" not in drawn  # who is not in the ring has no place on it


def test_an_analysis_of_another_version_is_said_to_be_one(flock: FakeFlock) -> None:
    flock.refuse[f"GET /cluster/history/{RUN}/analysis"] = (200, {"run": RUN})
    with Client(Target(flock.url)) as client, pytest.raises(Answered, match="not understood"):
        fetch(client, RUN)


# ── files of this machine ──


def test_a_results_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(UsageError):
            check_folder(folder, force=True)


def test_results_that_have_no_place_here_are_told_one_by_one(flock: FakeFlock, tmp_path: Path) -> None:
    (tmp_path / "res/taken.md").mkdir(parents=True)
    (tmp_path / "res/file").write_text("")
    flock.output |= {f"output/{name}": b"x" for name in ("taken.md", "file/below.md", "fine.md")}
    listed = [{"key": key} for key in [*flock.output, "output/gone.md"]]
    with Client(Target(flock.url)) as client:
        found = pull(client, listed, tmp_path / "res")
    assert [copied.path for copied in found.copied] == ["fine.md"]
    why = {left.key: left.why for left in found.left}
    assert "is a folder" in why["output/taken.md"]
    assert "cannot be written" in why["output/file/below.md"]
    assert "There is no object" in why["output/gone.md"]


def test_results_of_a_flock_that_goes_away_are_not_told_file_by_file(tmp_path: Path) -> None:
    with Client(Target("http://127.0.0.1:9")) as client, pytest.raises(MurmurError) as caught:
        pull(client, [{"key": "output/a.md"}], tmp_path)
    assert caught.value.code == "unreachable"


def test_what_cannot_be_reference_material_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    (folder / ".git").mkdir(parents=True)
    (folder / "fine.md").write_text("x")
    (folder / "line\nbreak.md").write_text("x")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(tmp_path)
    deep = folder / Path(*["d" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "far.md").write_text("x")
    found = collect(folder)
    assert [document.name for document in found.documents] == ["fine.md"]
    reasons = sorted(item.why for item in found.skipped)
    assert any("control characters" in why for why in reasons)
    assert any("longer than" in why for why in reasons)
    assert {"hidden", "not a regular file", "a symbolic link to a folder"} <= set(reasons)


def test_a_document_that_goes_away_or_becomes_a_link_is_told_and_the_rest_goes_on(
    flock: FakeFlock, tmp_path: Path
) -> None:
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text(name)
    found = collect(tmp_path)
    (tmp_path / "a.md").unlink()
    (tmp_path / "b.md").unlink()
    (tmp_path / "b.md").symlink_to("c.md")
    with Client(Target(flock.url)) as client:
        done = upload(client, found, lambda: None)
    assert [document.name for document in done.taken] == ["c.md"]
    assert [item.name for item in done.skipped] == ["a.md", "b.md"]
    assert "1 document (" in done.words
    assert "2 not taken" in done.words
    assert flock.knowledge == {"knowledge-base/c.md": b"c.md"}


def test_an_upload_nobody_may_make_ends_at_the_first_document(flock: FakeFlock, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    flock.refuse["PUT /cluster/knowledge"] = (403, {"message": "Not you."})
    with Client(Target(flock.url)) as client, pytest.raises(Answered, match="Not you"):
        upload(client, collect(tmp_path), lambda: None)


def test_a_document_nobody_may_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.md").write_text("x")
    monkeypatch.setattr(knowledge.os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(UsageError, match="no permission to read it"):
        collect(tmp_path)


# ── the report of a run ──


class Told:
    """A mission whose counting fails, or tells of a run with a model."""

    run = RUN

    def __init__(self, told: dict[str, Any] | None) -> None:
        self._told = told

    def tally(self) -> mission.Tally:
        if self._told is None:
            raise NotFound("The flock is gone.", "")
        return mission.Tally(1, {"start": 1}, Status.parse(self._told))


def report(told: dict[str, Any] | None, **more: Any) -> Report:
    fields: dict[str, Any] = {
        "upload": None, "results": None, "out": None, "where": Target("http://127.0.0.1:1"), "elapsed_seconds": 3.0,
    }  # fmt: skip
    outcome = mission.Outcome("settled", "", exits.OK)
    return Report.of(Told(told), outcome, **(fields | more))  # type: ignore[arg-type]


def test_a_run_that_cannot_be_counted_any_more_is_lost_not_well() -> None:
    made = report(None)
    assert (made.code, made.outcome.kind, made.value()["reason"]) == (exits.UNREACHABLE, "lost", "The flock is gone.")


def test_tokens_cost_and_silence_are_told_and_results_that_did_not_come_are_no_success(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = FakeFlock(size=1, totals={"turns": 3, "tokens": 1200, "cost": 0.5, "failed_turns": 1}).status()
    made = report(told | {"scripted": False}, out=tmp_path / "res")
    assert made.code == exits.ERROR
    print_report(made)
    said = capsys.readouterr().out
    for part in ("1,200, cost 0.5000", "1 failed", "2 of them with nothing new to say", "could not be copied to"):
        assert part in said
    print_report(report(told, where=Target("http://127.0.0.1:1", home=tmp_path)))
    assert "while `murmur up` runs" in capsys.readouterr().out


# ── an assistant's tools ──


@pytest.fixture
def asked(flock: FakeFlock, tmp_path: Path) -> Iterator[Call]:
    made = Flock(Namespace(url=flock.url, flock="", home=None), tmp_path)
    yield made.call(threading.Event())
    made.close()


@pytest.mark.parametrize(
    "words",
    [
        {"agent": None, "where": None, "text": "x"},
        {"agent": 1, "where": "idle", "text": "x"},
        {"agent": 1, "where": None, "text": "x", "clear": True},
        {"agent": 1, "where": None, "text": None},
        {"agent": 1, "where": None, "text": None, "dry_run": True},
        {"agent": 1, "where": None, "text": "x", "dry_run": True},
    ],
)
def test_an_assistants_directive_is_one_thing(asked: Call, flock: FakeFlock, words: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        steering.directive(asked, **({"clear": False, "dry_run": False} | words))
    assert flock.requests == []


def test_an_assistant_takes_a_directive_back(asked: Call, flock: FakeFlock) -> None:
    assert steering.directive(asked, 1, None, None, clear=True, dry_run=False) == "directive of agent-1 cleared"
    assert flock.requests[-1] == ("DELETE", "/cluster/agents/1/directive")


def test_an_assistant_uploads_only_what_lies_open_in_its_folder(asked: Call, tmp_path: Path) -> None:
    (tmp_path / ".secret").write_text("x")
    for path in ("/etc/passwd", "../x", ".secret"):
        with pytest.raises(UsageError):
            steering.knowledge_upload(asked, path, None, None)
    with pytest.raises(UsageError):
        steering.knowledge_upload(asked, "a", None, "text")


def test_what_an_assistant_uploads_is_told_file_by_file(asked: Call, flock: FakeFlock, tmp_path: Path) -> None:
    (tmp_path / "large.md").write_bytes(b"x" * 2000)
    for number in range(12):
        (tmp_path / f"{number:02}.md").write_text("x")
    said = steering.knowledge_upload(asked, ".", None, None)
    assert "12 documents uploaded: 00.md" in said
    assert "…" in said
    assert "not taken (1): large.md: The file has too many bytes" in said
    flock.refuse["PUT /cluster/knowledge"] = (403, {"message": "Not you."})
    with pytest.raises(Answered):
        steering.knowledge_upload(asked, "large.md", None, None)


def test_an_upload_that_is_cancelled_says_what_it_left(asked: Call, tmp_path: Path, flock: FakeFlock) -> None:
    (tmp_path / "a.md").write_text("x")
    asked.cancelled.set()
    assert "the rest: the call was cancelled" in steering.knowledge_upload(asked, ".", None, None)
    assert flock.knowledge == {}


def test_an_assistant_is_told_where_there_is_nothing(asked: Call, flock: FakeFlock) -> None:
    flock.refuse["GET /cluster/queues"] = (200, {"queues": []})
    flock.refuse["GET /cluster/history"] = (200, {"runs": []})
    assert "no direction yet" in looking.direction_get(asked)
    assert looking.logs(asked, 1, -1, 10) == "agent-1 has no entries yet."
    assert looking.logs(asked, 1, 5, 10) == "agent-1 has no entries after 5."
    assert looking.files_list(asked, "") == "Nothing in output/ yet."
    assert looking.files_list(asked, "output/z") == "Nothing in output/ behind that."
    assert "No queues" in looking.queues(asked, None)
    assert "No earlier runs" in looking.history(asked, "")
    with pytest.raises(NotFound, match="no agent-9"):
        looking.status(asked, 9)


def test_an_assistant_learns_how_to_ask_for_the_rest(asked: Call, flock: FakeFlock) -> None:
    flock.page = 1
    flock.entries[0] = [entry(0), entry(1)]
    flock.output = {"output/a.md": b"abcdef", "output/b.bin": b"\0"}
    assert "ask with after=0" in looking.logs(asked, 0, -1, 1)
    assert "ask with after='output/a.md'" in looking.files_list(asked, "")
    assert "ask with offset=2" in looking.file_read(asked, "a.md", 0, 2)
    with pytest.raises(UsageError, match="is no text"):
        looking.file_read(asked, "b.bin", 0, 10)


def test_an_agent_in_trouble_is_told_in_full(asked: Call, flock: FakeFlock) -> None:
    flock.agents[1] = {"detail": "maxTurnsPerAgent is spent", "evidence": None, "neighbours": [], "directive": True}
    said = looking.status(asked, 1)
    for part in ("reads: nobody", "detail: maxTurnsPerAgent is spent", "directive: yes"):
        assert part in said


def test_an_earlier_run_is_told_with_its_goal_and_that_there_is_more(asked: Call, flock: FakeFlock) -> None:
    told = {"run": RUN, "reason": "settled", "direction": "Go.", "agents": [{"entries": 3}], "files": [], "more": True}
    flock.refuse[f"GET /cluster/history/{RUN}"] = (200, told)
    said = looking.history(asked, RUN)
    for part in ("reason: settled", "1 agents, 3 entries", "direction: Go.", "and more files"):
        assert part in said


def test_an_answer_that_is_no_json_at_all_is_not_taken_for_one() -> None:
    with Client(Target("https://x.example"), httpx.MockTransport(lambda _: httpx.Response(200, text=""))) as client:
        assert client.status() == {}
