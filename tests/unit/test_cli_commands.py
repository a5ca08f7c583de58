"""The verbs against a pretended flock: what they send, what they print, what they end with."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from murmur.cli import exits
from murmur.cli.main import main
from murmur.cli.overview import VERBS
from tests.unit.test_cli_flock import RUN, FakeFlock, entry, error

pytestmark = pytest.mark.usefixtures("elsewhere")
ROOT = Path(__file__).parents[2]


def call(flock: FakeFlock, *words: str) -> int:
    return main([*words, "--url", flock.url])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example_and_the_exit_codes(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == exits.OK
    said = capsys.readouterr().out
    assert f"murmur {verb}" in said.split("examples:")[1]
    assert "130  interrupted" in said


def test_no_command_shows_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == exits.OK
    said = capsys.readouterr().out
    assert all(f"  {verb} " in said for verb in VERBS)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["statsu"], "'status'"),
        (["status", "--jsno"], "'--json'"),
        (["files", "gte"], "'get'"),
        (["direction", "shwo"], "'show'"),
    ],
)
def test_a_typo_is_answered_with_what_was_probably_meant(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == exits.USAGE
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_without_a_flock_the_command_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == exits.UNREACHABLE
    said = capsys.readouterr().err
    assert "murmur up" in said
    assert "Traceback" not in said


def test_a_server_that_died_is_told_from_one_that_never_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / ".murmur").mkdir()
    (tmp_path / ".murmur/runtime.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": gone.pid}))
    assert main(["status"]) == exits.UNREACHABLE
    assert "is not running" in capsys.readouterr().err


def test_a_local_flock_is_found_from_a_folder_below(
    flock: FakeFlock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".murmur").mkdir()
    (tmp_path / ".murmur/runtime.json").write_text(json.dumps({"url": flock.url, "pid": os.getpid()}))
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b")
    monkeypatch.setenv("MURMUR_TOKEN", "secret")
    assert main(["status"]) == exits.OK
    assert flock.url in capsys.readouterr().out
    assert "authorization" not in flock.headers[0]  # a file on the way is not a person's choice: it gets no token


def test_a_found_address_that_leads_off_this_machine_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / ".murmur").mkdir()
    (tmp_path / ".murmur/runtime.json").write_text(json.dumps({"url": "http://192.0.2.1:80", "pid": os.getpid()}))
    assert main(["status"]) == exits.UNREACHABLE


def test_a_token_does_not_travel_in_the_clear(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MURMUR_TOKEN", "secret")
    assert main(["status", "--url", "http://flock.example.org"]) == exits.USAGE
    said = capsys.readouterr().err
    assert "in the clear" in said
    assert "secret" not in said


def test_the_environment_names_a_flock_and_the_option_wins(
    flock: FakeFlock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MURMUR_URL", flock.url)
    assert main(["status", "--json"]) == exits.OK
    assert json.loads(capsys.readouterr().out)["state"] == "stopped"
    assert main(["status", "--url", "http://127.0.0.1:9"]) == exits.UNREACHABLE


def test_status_shows_every_agent_and_its_last_words(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.state, flock.run = "running", RUN
    flock.entries = {0: [entry(0), entry(1)]}
    assert call(flock, "status") == exits.OK
    said = capsys.readouterr().out
    assert "running" in said
    assert "did 1 → well" in said
    assert "neighbour 1#0" in said
    assert all(f"agent-{n}" in said for n in range(3))


def test_agents_words_reach_the_terminal_without_escape_sequences_or_markup(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J[bold red]x[/]\x9b31m\u202etxt\r\n\x08ok"
    flock.state, flock.run, flock.reason = "running", RUN, hostile
    flock.entries = {0: [entry(0, action=hostile, files=[hostile])]}
    flock.output = {f"output/{hostile}": b"x"}
    for words in (["status"], ["logs", "0"], ["files"], ["queues", "1", "--peek"]):
        assert call(flock, *words) == exits.OK
        said = capsys.readouterr().out
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said), words
        if words[0] != "queues":
            assert "[bold red]x[/]" in said
            assert "owned" not in said


def test_json_is_what_the_flock_answered(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.entries = {1: [entry(0, action="größer\x9b")]}
    flock.output = {"output/a.md": b"abc"}
    assert call(flock, "status", "--json") == exits.OK
    assert json.loads(capsys.readouterr().out) == flock.status()
    assert call(flock, "logs", "1", "--json") == exits.OK
    said = capsys.readouterr().out
    assert said.isascii()
    assert json.loads(said) == flock.entries[1][0]
    for words in (["config"], ["direction"], ["files"], ["queues"], ["queues", "1"], ["history"], ["history", RUN]):
        assert call(flock, *words, "--json") == exits.OK
        assert json.loads(capsys.readouterr().out)


def test_start_sends_direction_and_configuration_together(flock: FakeFlock, tmp_path: Path) -> None:
    (tmp_path / "goal.md").write_text("Größe\n", "utf-8")
    words = [
        "start",
        "--direction",
        "@goal.md",
        "--set",
        "concurrency=5",
        "--set",
        "algorithm=mesh",
        "--set",
        "outputNews=false",
    ]
    assert call(flock, *words) == exits.OK
    config = {"concurrency": 5, "algorithm": "mesh", "outputNews": False}
    assert flock.bodies == [{"direction": "Größe\n", "config": config}]


def test_an_answered_error_is_printed_with_its_remedy_and_exit_code_1(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.state = "running"
    assert call(flock, "start") == exits.ERROR
    assert capsys.readouterr().err == "murmur: The flock is running.\n  → Stop it first.\n"


def test_wait_returns_when_it_is_so_and_3_when_it_never_is(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.script = [lambda f: None, lambda f: setattr(f, "state", "running")]
    assert call(flock, "start", "--wait", "20") == exits.OK
    assert "running" in capsys.readouterr().out
    flock.stops_at_once = False
    assert call(flock, "stop", "--wait", "0.1") == exits.NOT_SETTLED
    assert "not stopped within" in capsys.readouterr().err


def test_pause_and_resume(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.state, flock.run = "running", RUN
    assert call(flock, "pause") == exits.OK
    assert flock.state == "paused"
    assert call(flock, "resume", "--json") == exits.OK
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["state"] == "running"


def test_direction_is_set_from_text_file_and_standard_input(
    flock: FakeFlock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(flock, "direction", "set", "one") == exits.OK
    assert flock.text == "one"
    (tmp_path / "g.md").write_bytes(b"\xef\xbb\xbftwo")
    assert call(flock, "direction", "set", "@g.md") == exits.OK
    assert flock.text == "two"
    done = subprocess.run(
        [sys.executable, "-m", "murmur.cli.main", "direction", "set", "-", "--url", flock.url],
        input=b"three", cwd=ROOT, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, flock.text) == (exits.OK, "three")
    capsys.readouterr()
    assert call(flock, "direction") == exits.OK
    assert capsys.readouterr().out == "three\n"


@pytest.mark.parametrize("text", ["@missing.md", "@binary"])
def test_a_text_that_cannot_be_read_changes_nothing(flock: FakeFlock, tmp_path: Path, text: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert call(flock, "direction", "set", text) == exits.USAGE
    assert flock.requests == []


def test_config_is_set_with_and_without_the_word_and_reset(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(flock, "config", "set", "concurrency=16", "model=a=b") == exits.OK
    assert (flock.config["concurrency"], flock.config["model"]) == (16, "a=b")
    assert call(flock, "config", "neighbourRadius=2") == exits.OK
    assert flock.config["neighbourRadius"] == 2
    assert call(flock, "config", "--reset", "--json") == exits.OK
    assert (flock.config["concurrency"], flock.config["neighbourRadius"]) == (8, 1)
    for words in (["set"], ["sett"], ["set", "x"], ["--reset", "a=1"]):
        assert call(flock, "config", *words) == exits.USAGE
    capsys.readouterr()


def test_directive_is_set_and_cleared(flock: FakeFlock) -> None:
    assert call(flock, "directive", "agent-2", "look here") == exits.OK
    assert call(flock, "directive", "2", "--clear") == exits.OK
    assert flock.bodies == [{"text": "look here"}, None]
    assert flock.requests[-1] == ("DELETE", "/cluster/agents/2/directive")
    assert call(flock, "directive", "2") == exits.USAGE
    assert call(flock, "directive", "two", "x") == exits.USAGE


def test_logs_show_why_how_long_and_which_files(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.entries = {2: [entry(0), entry(1, wake_ms=41, turn_ms=2500, files=["output/a.md"], stop_reason="timeout")]}
    assert call(flock, "logs", "2", "--after", "0") == exits.OK
    said = capsys.readouterr().out
    assert "#0" not in said.replace("1#0", "")
    for part in ("#1", "neighbour 1#0", "heard after 41 ms", "took 2.5 s", "[timeout]", "output/a.md"):
        assert part in said


def test_following_a_log_prints_new_entries_and_begins_again_with_a_new_run(flock: FakeFlock) -> None:
    flock.state, flock.run = "running", RUN
    flock.entries = {0: [entry(0)]}
    command = [sys.executable, "-u", "-m", "murmur.cli.main", "logs", "0", "-f", "--json", "--url", flock.url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert json.loads(child.stdout.readline())["iteration"] == 0
            flock.entries[0].append(entry(1))
            assert json.loads(child.stdout.readline())["iteration"] == 1
            flock.entries[0], flock.run = [entry(0, action="anew")], "20261123T070000Z"
            assert json.loads(child.stdout.readline())["action"] == "anew"
            child.send_signal(signal.SIGINT)
            assert child.wait(20) == exits.INTERRUPTED
        finally:
            child.kill()  # a failure must not wait for it


def test_files_are_listed_printed_downloaded_and_packed(
    flock: FakeFlock, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    flock.output = {"output/a.md": b"A\xff", "output/deep/b c.md": b"B"}
    assert call(flock, "files") == exits.OK
    assert b"deep/b c.md" in capsysbinary.readouterr().out
    assert call(flock, "files", "get", "a.md") == exits.OK
    assert capsysbinary.readouterr().out == b"A\xff"
    assert call(flock, "files", "pull", "here") == exits.OK
    assert (tmp_path / "here/deep/b c.md").read_bytes() == b"B"
    assert call(flock, "files", "pull", "here") == exits.USAGE
    assert call(flock, "files", "pull", "here", "--force") == exits.OK
    assert call(flock, "files", "zip", "all.zip") == exits.OK
    assert (tmp_path / "all.zip").stat().st_size > 0
    assert call(flock, "files", "zip", "all.zip") == exits.USAGE
    assert call(flock, "files", "get", "none.md") == exits.ERROR
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip", "here"]


def test_queues_show_what_wakes_an_agent(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(flock, "queues", "1") == exits.OK
    said = capsys.readouterr().out
    assert "store/agent-0.ndjson, anything but x" in said
    assert "turn #4" in said
    assert call(flock, "queues", "--peek") == exits.USAGE
    for words in (["1", "--peek"], ["peek", "1"], ["peek", "agent-1"]):
        assert call(flock, "queues", *words) == exits.OK
        assert "counts as a receive" in capsys.readouterr().err
    for words in (["peek"], ["1", "2"], ["one"], ["redrive"], ["purge", "1", "2"], ["purge", "1", "--peek"]):
        assert call(flock, "queues", *words) == exits.USAGE


def test_dead_letters_are_put_back_and_a_purge_asks_first(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(flock, "queues", "redrive", "1") == exits.OK
    assert "2 dead letters are back in the queue of agent-1" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert call(flock, "queues", "purge", "1") == exits.USAGE
    assert "--yes" in capsys.readouterr().err
    assert call(flock, "queues", "purge", "1", "--yes") == exits.OK
    assert "about 11 messages of agent-1 thrown away" in capsys.readouterr().out


def test_history_lists_runs_and_shows_one(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(flock, "history") == exits.OK
    assert RUN in capsys.readouterr().out
    assert call(flock, "history", RUN) == exits.OK
    assert "output/a.md" in capsys.readouterr().out


def test_watch_prints_lines_where_there_is_no_terminal(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.state, flock.run = "running", RUN
    flock.entries = {0: [entry(0)]}
    flock.script = [lambda f: None, lambda f: f.entries[0].append(entry(1))]
    assert call(flock, "watch", "--seconds", "3") == exits.OK
    said = capsys.readouterr().err
    assert "flock running" in said
    assert said.count("agent-0 #1 ") == 1


def test_a_fault_of_our_own_is_words_and_a_trace_only_on_request(
    flock: FakeFlock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("murmur.cli.verbs.status.show", lambda *_: 1 // 0)
    assert call(flock, "status") == exits.ERROR
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "MURMUR_DEBUG=1" in said
    monkeypatch.setenv("MURMUR_DEBUG", "1")
    assert call(flock, "status") == exits.ERROR
    assert "Traceback" in capsys.readouterr().err


def test_an_error_page_of_something_else_is_not_shown_raw(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.refuse["GET /cluster/status"] = (502, error(502, "unavailable", "gone\x1b[31m\n", "try"))
    assert call(flock, "status") == exits.ERROR
    assert "\x1b" not in capsys.readouterr().err


def test_status_loads_neither_the_house_nor_boto3(flock: FakeFlock) -> None:
    code = (
        "import sys; from murmur.cli.main import main; main(['status', '--url', sys.argv[1]]);"
        "print([m for m in ('boto3', 'pydantic', 'starlette', 'mcp', 'websockets', 'murmur.local.stack') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, flock.url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_the_pipe_is_no_error(flock: FakeFlock) -> None:
    flock.entries = {0: [entry(n, action="x" * 150) for n in range(900)]}
    command = f"{sys.executable} -m murmur.cli.main logs 0 --url {flock.url} | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
