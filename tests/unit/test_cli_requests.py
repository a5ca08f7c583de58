"""What the verbs refuse, ask, and make of a flock's rarer answers: queues, directives, files, history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from murmur.cli import exits
from murmur.cli.main import main
from tests.unit.test_cli_flock import RUN, FakeFlock

pytestmark = pytest.mark.usefixtures("elsewhere")


def call(flock: FakeFlock, *words: str) -> int:
    return main([*words, "--url", flock.url])


def a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _question: answer)


# ── queues ──


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["queues", "1", "2"], "not a request to one queue"),
        (["queues", "purge", "1", "--peek"], "not a request to one queue"),
        (["queues", "redrive"], "redrive is for one queue"),
        (["queues", "--peek"], "peek is for one queue"),
        (["queues", "peek", "three"], "three"),
        (["queues", "purge", "1"], "nobody can be asked here"),
    ],
)
def test_a_request_to_no_one_queue_is_refused_before_the_flock_is_asked(
    flock: FakeFlock, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(flock, *words) == exits.USAGE
    assert said in capsys.readouterr().err
    assert flock.requests == []


def test_a_purge_that_is_not_meant_throws_nothing_away(
    flock: FakeFlock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_terminal(monkeypatch, "")
    assert call(flock, "queues", "purge", "1") == exits.OK
    assert "Nothing was thrown away" in capsys.readouterr().err
    assert flock.requests == []


def test_a_purge_said_yes_to_is_carried_out(flock: FakeFlock, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch, " Y ")
    assert call(flock, "queues", "purge", "1") == exits.OK
    assert flock.requests == [("POST", "/cluster/queues/1/purge")]


def test_before_a_run_there_are_no_queues_and_that_is_said(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.refuse["GET /cluster/queues"] = (200, {"queues": []})
    assert call(flock, "queues") == exits.OK
    assert "made when a run starts" in capsys.readouterr().err


def test_queues_of_which_little_is_known_are_shown_as_such(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.refuse["GET /cluster/queues"] = (200, {"queues": [{"agent": 4, "inbox": None}], "dead_letters": 12})
    assert call(flock, "queues") == exits.OK
    said = capsys.readouterr()
    row = next(line for line in said.out.splitlines() if "agent-4" in line)
    assert row.split()[1:4] == ["-", "-", "-"]
    assert "12 dead letters in all" in said.err


def test_an_inspected_queue_without_deliveries_and_with_a_strange_pattern(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.refuse["GET /cluster/queues/2"] = (200, {"agent": 2, "inbox": None, "pattern": ["?"]})
    assert call(flock, "queues", "2") == exits.OK
    said = capsys.readouterr().out
    assert "woken by unknown" in said
    assert "waiting  ?" in said
    assert "no deliveries yet" in said


def test_a_delivery_that_cost_no_turn_names_none(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    gated = {"key": "store/agent-0.ndjson", "version": "v", "received": "", "receives": 1, "became": "gated"}
    flock.refuse["GET /cluster/queues/2"] = (200, {"agent": 2, "deliveries": [gated | {"iteration": None}]})
    assert call(flock, "queues", "2") == exits.OK
    row = next(line for line in capsys.readouterr().out.splitlines() if "agent-0.ndjson" in line)
    assert row.rstrip().endswith("gated")


def test_a_look_into_an_empty_queue_says_that_nothing_waits(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.refuse["POST /cluster/queues/1/peek"] = (200, {"messages": []})
    assert call(flock, "queues", "1", "--peek") == exits.OK
    assert capsys.readouterr().out.strip() == "nothing waits"


# ── directives for one and for many ──


@pytest.mark.parametrize(
    "words",
    [
        ["3"],
        ["3", "a", "b"],
        ["3", "a", "--clear"],
        ["3", "a", "--dry-run"],
        ["three", "a"],
        ["--where", "idle"],
        ["--where", "idle", "a", "b"],
        ["--where", "idle", "a", "--clear"],
    ],
)
def test_a_directive_that_is_not_one_thing_is_refused_before_the_flock_is_asked(
    flock: FakeFlock, words: list[str]
) -> None:
    assert call(flock, "directive", *words) == exits.USAGE
    assert flock.requests == []


def test_a_directive_answer_in_json_is_the_flocks_own(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(flock, "directive", "1", "look", "--json") == exits.OK
    assert json.loads(capsys.readouterr().out)["agent"] == 1


def many(flock: FakeFlock, answer: dict[str, Any]) -> None:
    flock.on_directives = lambda _request, body: (flock.bodies.append(json.loads(body)), answer)[1]  # type: ignore[attr-defined]


def test_a_directive_for_many_says_whom_it_reached(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    many(flock, {"agents": [f"agent-{n}" for n in range(41)], "of": 64})
    assert call(flock, "directive", "--where", "idle", "Check the index.") == exits.OK
    said = capsys.readouterr().out
    assert "set for 41 agents of 64" in said
    assert said.rstrip().endswith("agent-39, …")
    assert flock.bodies == [{"where": "idle", "clear": False, "dry_run": False, "text": "Check the index."}]


def test_a_dry_run_sends_no_text_and_clearing_says_so(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    many(flock, {"agents": ["agent-0"], "of": 3, "dry_run": True})
    assert call(flock, "directive", "--where", "all", "--dry-run") == exits.OK
    many(flock, {"agents": ["agent-0"], "of": 3, "cleared": True})
    assert call(flock, "directive", "--where", "all", "--clear") == exits.OK
    assert capsys.readouterr().out.splitlines() == [
        "directive would reach 1 agent of 3: agent-0",
        "directive cleared for 1 agent of 3: agent-0",
    ]
    assert all("text" not in body for body in flock.bodies)


def test_where_nobody_is_meant_it_is_said(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    many(flock, {"agents": [], "of": 3})
    assert call(flock, "directive", "--where", "failed", "Again.") == exits.OK
    assert "Nobody is like that now" in capsys.readouterr().err
    assert call(flock, "directive", "--where", "failed", "Again.", "--json") == exits.OK
    assert json.loads(capsys.readouterr().out) == {"agents": [], "of": 3}


# ── files ──


@pytest.mark.parametrize("words", [["get"], ["pull"], ["ls", "index.md"]])
def test_files_without_what_they_need_are_refused(flock: FakeFlock, words: list[str]) -> None:
    assert call(flock, "files", *words) == exits.USAGE
    assert flock.requests == []


def test_no_results_yet_is_said_and_is_an_empty_list_in_json(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(flock, "files") == exits.OK
    assert "Nothing in output/ yet" in capsys.readouterr().err
    assert call(flock, "files", "--json") == exits.OK
    assert json.loads(capsys.readouterr().out) == {"files": []}


def test_a_file_printed_on_a_terminal_cannot_command_it(
    flock: FakeFlock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.output["output/a.md"] = b"one\x1b[2J\ntwo\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert call(flock, "files", "get", "output/a.md") == exits.OK
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert said.rstrip().endswith("two")


def test_a_pull_in_json_tells_what_was_left_and_why(
    flock: FakeFlock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.output |= {"output/a.md": b"a", "output/../b.md": b"b"}
    assert call(flock, "files", "pull", "got", "--json") == exits.ERROR
    told = json.loads(capsys.readouterr().out)
    assert [file["path"] for file in told["files"]] == ["a.md"]
    assert [item["key"] for item in told["not_copied"]] == ["output/../b.md"]
    assert (tmp_path / "got/a.md").read_bytes() == b"a"


def test_an_archive_never_overwrites_and_leaves_no_part_behind(flock: FakeFlock, tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_bytes(b"mine")
    assert call(flock, "files", "zip", "there.zip") == exits.USAGE
    assert (tmp_path / "there.zip").read_bytes() == b"mine"
    assert call(flock, "files", "zip", "no/such/folder.zip") == exits.USAGE
    flock.refuse["GET /cluster/habitat.zip"] = (503, {"message": "Too busy.", "code": "unavailable"})
    assert call(flock, "files", "zip", "new.zip") == exits.ERROR
    assert [path.name for path in tmp_path.iterdir()] == ["there.zip"]


# ── history ──


def test_the_first_run_has_no_history(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.refuse["GET /cluster/history"] = (200, {"runs": [], "more": False})
    assert call(flock, "history") == exits.OK
    assert "No earlier runs" in capsys.readouterr().err


def test_more_runs_than_are_shown_is_said(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.refuse["GET /cluster/history"] = (200, {"runs": [{"run": RUN}], "more": True})
    assert call(flock, "history") == exits.OK
    assert "only the newest 200 runs" in capsys.readouterr().err


def test_the_pages_of_an_earlier_runs_files_are_put_together(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    def page(request: Any, _body: bytes) -> Response:
        first = not request.query_params.get("after")
        files = [{"key": "output/a.md", "size": 3}] if first else ["output/b.md"]
        more = {"more": True, "after": "output/a.md"} if first else {"more": False}
        return JSONResponse({"run": RUN, "agents": [], "files": files, **more})

    flock.on_history = page  # type: ignore[method-assign]
    assert call(flock, "history", RUN, "--json") == exits.OK
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == [{"key": "output/a.md", "size": 3}, "output/b.md"]
    assert "more" not in told
    assert call(flock, "history", RUN) == exits.OK
    assert "output/b.md" in capsys.readouterr().out


def test_an_earlier_run_that_left_no_files_is_shown(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.refuse[f"GET /cluster/history/{RUN}"] = (200, {"run": RUN, "agents": [{"id": 0, "entries": 2}], "files": []})
    assert call(flock, "history", RUN) == exits.OK
    assert "0 files" in capsys.readouterr().out
