"""``murmur run`` and ``murmur up``: the engine, what it leaves behind, and how it ends."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from murmur.cli import exits, hosting
from murmur.cli.client import Client
from murmur.cli.feed import Feed
from murmur.cli.find import Target
from murmur.cli.main import main
from murmur.cli.mission import Mission, Plan
from murmur.cli.view import PlainView
from murmur.errors import Unavailable
from tests.unit.test_cli_flock import RUN, FakeFlock, entry, error, wait_for

pytestmark = pytest.mark.usefixtures("elsewhere")
ROOT = Path(__file__).parents[2]


def becomes(state: str, reason: str = "") -> Callable[[FakeFlock], None]:
    def step(flock: FakeFlock) -> None:
        flock.state, flock.reason = state, reason

    return step


def works(flock: FakeFlock) -> None:
    flock.state = "running"
    flock.entries = {0: [entry(0), entry(1, cause="interval")], 1: [entry(0), entry(1)]}
    flock.output = {"output/a.md": b"A" * 10, "output/deep/b.md": b"B"}


def run(flock: FakeFlock, *words: str) -> int:
    return main(["run", "--url", flock.url, *words])


def test_a_run_uploads_starts_waits_copies_and_tells(
    flock: FakeFlock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs/sub").mkdir(parents=True)
    (tmp_path / "docs/one.md").write_bytes(b"1")
    (tmp_path / "docs/sub/two words.md").write_bytes(b"2")
    (tmp_path / "docs/large").write_bytes(b"x" * 2000)
    flock.knowledge = {"knowledge-base/old.md": b"o", "knowledge-base/one.md": b"o"}
    flock.script = [lambda f: None, works, becomes("settled", "everyone is idle")]
    words = [
        "--knowledge",
        "docs",
        "--direction",
        "Go.",
        "--agents",
        "2",
        "--radius",
        "1",
        "--interval",
        "3",
        "--out",
        "res",
    ]
    assert run(flock, *words, "--json") == exits.OK
    report = json.loads(capsys.readouterr().out)
    config = {"concurrency": 2, "neighbourRadius": 1, "loopIntervalSeconds": 3.0}
    assert flock.bodies == [{"direction": "Go.", "config": config}]
    assert flock.knowledge == {"knowledge-base/one.md": b"1", "knowledge-base/sub/two words.md": b"2"}
    assert (tmp_path / "res/a.md").read_bytes() == b"A" * 10
    assert (tmp_path / "res/deep/b.md").read_bytes() == b"B"
    assert (report["outcome"], report["exit_code"], report["run"]) == ("settled", 0, RUN)
    assert report["turns"] == 4
    assert report["turns_by_cause"] == {"start": 2, "interval": 1, "neighbour": 1}
    assert (report["wakes"], report["gated"], report["rescues"]) == (12, 3, 1)
    assert report["files"] == [{"path": "a.md", "size": 10}, {"path": "deep/b.md", "size": 1}]
    assert report["knowledge"]["removed"] == ["old.md"]
    assert report["knowledge"]["not_taken"] == [{"name": "large", "why": "The file has too many bytes. Split it."}]
    assert flock.state == "stopped"


def test_the_summary_for_people_names_what_matters(
    flock: FakeFlock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.script = [works, becomes("settled", "everyone is idle")]
    assert run(flock, "--direction", "Go.", "--out", "res") == exits.OK
    said = capsys.readouterr()
    for part in (
        "settled after",
        "everyone is idle",
        "scripted, no model",
        "start 2",
        "3 of them gated",
        "1 rescue",
        "2 in res",
    ):
        assert part in said.out
    assert said.err.count("agent-0 #1 ") == 1  # an entry is told once, however often it is seen


def test_a_flock_that_is_stopped_first_is_not_settled(flock: FakeFlock, capsys: pytest.CaptureFixture[str]) -> None:
    flock.script = [works, becomes("stopped", "every host died")]
    assert run(flock, "--direction", "Go.", "--json") == exits.NOT_SETTLED
    report = json.loads(capsys.readouterr().out)
    assert (report["outcome"], report["reason"]) == ("stopped", "every host died")


def test_a_flock_that_settled_only_because_agents_are_parked_is_not_settled(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    def parks(held: FakeFlock) -> None:
        held.state = "settled"
        held.agents = {1: {"status": "parked", "detail": "maxTurnsPerAgent is spent"}}

    flock.script = [works, parks]
    assert run(flock, "--direction", "Go.", "--json") == exits.NOT_SETTLED
    report = json.loads(capsys.readouterr().out)
    assert report["outcome"] == "parked"
    assert "agent-1: maxTurnsPerAgent is spent" in report["reason"]


def test_the_time_limit_ends_a_run_keeps_its_results_and_exits_3(
    flock: FakeFlock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.script = [works]
    assert run(flock, "--direction", "Go.", "--max-minutes", "0.03", "--out", "res", "--json") == exits.NOT_SETTLED
    assert json.loads(capsys.readouterr().out)["outcome"] == "limit"
    assert flock.bodies[0]["config"] == {"loopIntervalSeconds": 5.0, "maxRunMinutes": 0.03}
    assert flock.state == "stopped"
    assert (tmp_path / "res/a.md").exists()


def test_a_second_run_on_a_busy_flock_is_refused_before_anything_is_changed(
    flock: FakeFlock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "doc.md").write_text("x")
    flock.state, flock.run = "running", RUN
    assert run(flock, "--knowledge", "doc.md", "--direction", "Go.") == exits.ERROR
    assert "murmur stop" in capsys.readouterr().err
    assert {method for method, _ in flock.requests} == {"GET"}


@pytest.mark.parametrize(
    "words",
    [
        ["--knowledge", "nowhere"],
        ["--knowledge", "empty"],
        ["--out", "full"],
        ["--out", "doc.md"],
        ["--direction", "@nowhere"],
        ["--max-minutes", "0"],
        ["--think", "1"],
    ],
)
def test_wrong_arguments_are_found_before_anything_starts(
    flock: FakeFlock, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    (tmp_path / "doc.md").touch()
    assert run(flock, *words) == exits.USAGE
    assert flock.requests == []
    assert capsys.readouterr().err


def test_a_wrong_configuration_is_the_flocks_word_and_starts_nothing(
    flock: FakeFlock, capsys: pytest.CaptureFixture[str]
) -> None:
    flock.refuse["POST /cluster/start"] = (
        400,
        error(400, "invalid_config", "neighbourRadius = 9 is not allowed.", "Set it."),
    )
    assert run(flock, "--direction", "Go.", "--agents", "2", "--radius", "9") == exits.ERROR
    assert "neighbourRadius = 9 is not allowed." in capsys.readouterr().err


def test_results_that_could_not_all_be_copied_are_told_and_are_no_success(
    flock: FakeFlock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def hostile(held: FakeFlock) -> None:
        works(held)
        held.output["output/../../evil"] = b"x"

    flock.script = [hostile, becomes("settled")]
    assert run(flock, "--direction", "Go.", "--out", "in/res", "--json") == exits.ERROR
    report = json.loads(capsys.readouterr().out)
    assert report["not_copied"][0]["key"] == "output/../../evil"
    assert len(report["files"]) == 2
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "in/evil").exists()


def test_the_entries_of_the_run_before_are_not_taken_for_this_ones(flock: FakeFlock) -> None:
    flock.entries = {0: [entry(n, action="old") for n in range(5)]}
    flock.script = [lambda f: None, works, becomes("settled")]
    shown: list[str] = []

    class Listening(PlainView):
        def phase(self, text: str) -> None:
            shown.append(text)

    with Client(Target(flock.url)) as client:
        mission = Mission(client, Feed(client), Listening(), threading.Event())
        assert mission.carry_out(Plan("Go.")).code == exits.OK
    assert not any("old" in line for line in shown)
    assert sum("agent-0 #0" in line for line in shown) == 1


def test_a_flock_lost_on_the_way_is_given_up_and_said_so(flock: FakeFlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murmur.cli.mission.LOST_SECONDS", 1.0)

    def breaks(held: FakeFlock) -> None:
        held.refuse["GET /cluster/status"] = (503, error(503, "unavailable", "The endpoint is down.", "Wait."))

    flock.script = [works, breaks]
    with Client(Target(flock.url)) as client:
        outcome = Mission(client, Feed(client), PlainView(quiet=True), threading.Event()).carry_out(Plan("Go."))
    assert (outcome.kind, outcome.code) == ("lost", exits.UNREACHABLE)
    assert "The endpoint is down." in outcome.reason
    assert ("POST", "/cluster/stop") in flock.requests


# ── with a Stack of its own ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def stacks(flock: FakeFlock, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A Stack that is the pretended flock; returns what became of it, and how it was made."""
    told: list[str] = []

    class Pretended:
        url = flock.url

        async def kill(self) -> None:
            told.append("killed")

    @contextlib.asynccontextmanager
    async def stack(home: Path, **options: Any) -> AsyncIterator[Pretended]:
        told.append(f"start {home.name} {options}")
        yield Pretended()
        told.append("end")

    monkeypatch.setattr("murmur.cli.verbs.run.stack", stack)
    monkeypatch.setattr("murmur.cli.verbs.up.stack", stack)
    return told


def test_a_run_of_its_own_starts_and_ends_the_server(flock: FakeFlock, stacks: list[str]) -> None:
    flock.script = [works, becomes("settled")]
    assert main(["run", "--direction", "Go.", "--home", "h", "--think", "0.5", "--quiet"]) == exits.OK
    assert stacks == ["start h {'think_seconds': 0.5}", "end"]


def test_an_agent_command_becomes_the_runner_custom(
    flock: FakeFlock, stacks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURMUR_CUSTOM_COMMAND", "")
    monkeypatch.setenv("MURMUR_CUSTOM_PASSES", "")
    monkeypatch.setenv("MY_KEY", "k")
    flock.script = [works, becomes("settled")]
    words = ["run", "--direction", "Go.", "--agent-command", "sh -c 'x y'", "--agent-env", "MY_KEY", "--quiet"]
    assert main(words) == exits.OK
    assert os.environ["MURMUR_CUSTOM_COMMAND"] == "sh -c 'x y'"
    assert flock.bodies[0]["config"] == {"runner": "custom"}
    assert os.environ["MURMUR_CUSTOM_PASSES"] == "MY_KEY"


@pytest.mark.parametrize(
    "words", [["--agent-command", "no-such-agent-here"], ["--agent-command", "sh 'x"], ["--agent-env", "X"]]
)
def test_an_agent_command_that_cannot_be_is_found_before_anything_starts(
    stacks: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--direction", "Go.", *words]) == exits.USAGE
    assert stacks == []
    assert capsys.readouterr().err


def test_a_run_that_was_cut_off_earlier_is_ended_before_the_new_one(
    flock: FakeFlock, stacks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flock.state, flock.run = "running", "20260101T000000Z"
    flock.script = [lambda f: None, works, becomes("settled")]
    assert main(["run", "--direction", "Go."]) == exits.OK
    assert "was cut off earlier" in capsys.readouterr().err
    assert flock.run == RUN


def test_a_running_server_of_the_home_is_used_and_left_running(
    flock: FakeFlock, stacks: list[str], tmp_path: Path
) -> None:
    (tmp_path / ".murmur").mkdir()
    (tmp_path / ".murmur/runtime.json").write_text(json.dumps({"url": flock.url, "pid": os.getpid()}))
    flock.script = [works, becomes("settled")]
    assert main(["run", "--direction", "Go."]) == exits.OK
    assert stacks == []
    assert main(["up"]) == exits.ERROR


def test_a_server_that_cannot_start_is_an_error_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextlib.asynccontextmanager
    async def stack(home: Path, **_: Any) -> AsyncIterator[Any]:
        raise Unavailable("The embedded endpoint ended while starting.", "See endpoint.log.")
        yield

    monkeypatch.setattr("murmur.cli.verbs.run.stack", stack)
    assert main(["run", "--direction", "Go."]) == exits.ERROR
    assert "See endpoint.log." in capsys.readouterr().err


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Process:
    """The command as a real process, whose standard error is collected."""

    def __init__(self, *command: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-u", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self.said += line

    def interrupt(self) -> None:
        self._child.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str]:
        with self._child as child:
            try:
                assert child.stdout is not None
                out = child.stdout.read()
                code = child.wait(30)
            finally:
                child.kill()
                self._reader.join(10)
            return code, out


def test_ctrl_c_stops_the_flock_copies_what_there_is_and_exits_130(flock: FakeFlock, tmp_path: Path) -> None:
    flock.script = [works]
    words = ["run", "--url", flock.url, "--direction", "Go.", "--out", str(tmp_path / "res"), "--json"]
    process = Process("-m", "murmur.cli.main", *words)
    wait_for(lambda: "agent-0 #1" in process.said)
    process.interrupt()
    code, out = process.end()
    assert code == exits.INTERRUPTED
    assert json.loads(out)["outcome"] == "interrupted"
    assert flock.state == "stopped"
    assert (tmp_path / "res/a.md").exists()


def test_a_second_ctrl_c_ends_at_once_although_the_flock_never_stops(flock: FakeFlock) -> None:
    flock.script = [works]
    flock.stops_at_once = False
    process = Process("-m", "murmur.cli.main", "run", "--url", flock.url, "--direction", "Go.")
    wait_for(lambda: "agent-0 #1" in process.said)
    process.interrupt()
    wait_for(lambda: flock.state == "stopping")
    process.interrupt()
    assert process.end()[0] == exits.INTERRUPTED
    assert flock.state == "stopping"


HOSTED = textwrap.dedent(
    """
    import asyncio, sys
    from murmur.cli.hosting import host
    class Stack:
        url = "here"
        async def __aenter__(self):
            print("entering", file=sys.stderr)
            try:
                await asyncio.sleep(WAIT)
            except asyncio.CancelledError:
                print("cleaned up", file=sys.stderr)
                raise
            return self
        async def __aexit__(self, *_):
            print("leaving", file=sys.stderr)
            await asyncio.sleep(LEAVE)
            print("left", file=sys.stderr)
        async def kill(self):
            print("killed", file=sys.stderr)
    def work(url, interrupt):
        print("working", url, file=sys.stderr)
        interrupt.wait()
        return 7
    sys.exit(host(Stack, "", work))
    """
)


def hosted(wait: int, leave: int) -> Process:
    return Process("-c", HOSTED.replace("WAIT", str(wait)).replace("LEAVE", str(leave)))


def test_ctrl_c_while_the_server_starts_cleans_up() -> None:
    process = hosted(wait=600, leave=0)
    wait_for(lambda: "entering" in process.said)
    process.interrupt()
    assert process.end()[0] == exits.INTERRUPTED
    assert "cleaned up" in process.said
    assert "Traceback" not in process.said


def test_ctrl_c_lets_the_work_end_and_the_server_leave() -> None:
    process = hosted(wait=0, leave=0)
    wait_for(lambda: "working here" in process.said)
    process.interrupt()
    assert process.end()[0] == 7
    assert process.said.endswith("leaving\nleft\n")


def test_a_second_ctrl_c_while_the_server_leaves_kills_its_children() -> None:
    process = hosted(wait=0, leave=600)
    wait_for(lambda: "working here" in process.said)
    process.interrupt()
    wait_for(lambda: "leaving" in process.said)
    process.interrupt()
    assert process.end()[0] == exits.INTERRUPTED
    assert "killed" in process.said
    assert "left" not in process.said


def test_hosting_gives_back_what_the_work_returns_or_raises() -> None:
    assert hosting.host(None, "url", lambda url, _: len(url)) == 3

    def fails(_url: str, _interrupt: threading.Event) -> int:
        raise Unavailable("no", "none")

    with pytest.raises(Unavailable):
        hosting.host(None, "url", fails)
    assert asyncio.run(asyncio.sleep(0, "a loop can be run again")) is not None


def test_up_takes_another_port_only_where_none_was_asked_for(
    flock: FakeFlock, stacks: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = int(flock.url.rpartition(":")[2])
    monkeypatch.setattr("murmur.cli.verbs.up.DEFAULT_PORT", taken)
    assert main(["up", "--port", str(taken)]) == exits.USAGE
    assert main(["up", "--port", "70000"]) == exits.USAGE
    assert stacks == []
    flock.state, flock.run = "running", RUN
    real = threading.Event.wait
    monkeypatch.setattr(threading.Event, "wait", lambda self, timeout=None: real(self, 0.01))
    assert main(["up"]) == exits.OK
    said = capsys.readouterr()
    assert f"Port {taken} is taken" in said.err
    assert flock.url in said.out
    assert "is carried on" in said.out
    assert "'port': 0" in stacks[0]
