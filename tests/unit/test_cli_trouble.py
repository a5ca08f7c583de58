"""What the command makes of a flock that answers oddly, late or not at all; and how it draws one in trouble."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
from rich.console import Console

from murmur.cli import exits, signin, view
from murmur.cli.client import Answered, Client
from murmur.cli.feed import Feed
from murmur.cli.find import Target, Unreachable
from murmur.cli.mission import Interrupted, Mission, Plan
from murmur.cli.shapes import Entry, Status
from murmur.cli.view import LiveView, PlainView, draw, progress_view
from murmur.errors import Conflict, MurmurError, WrongState
from tests.unit.test_cli_flock import RUN, FakeFlock, entry

URL = "https://flock.example.org"


def answering(*answers: httpx.Response | Exception) -> tuple[Client, list[httpx.Request]]:
    """A client whose flock gives these answers, the last one for ever."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(request)
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, headers=found.headers, content=found.content)

    return Client(Target(URL), httpx.MockTransport(answer)), asked


# ── the client ──


@pytest.mark.parametrize("error", [httpx.ReadTimeout("slow"), httpx.ReadError("cut")])
def test_a_cut_connection_is_unreachable_wherever_it_is_cut(error: Exception) -> None:
    for ask in (
        lambda client: client.status(),
        lambda client: client.save("/cluster/habitat.zip", io.BytesIO()),
        lambda client: client.file("output/a.md", io.BytesIO()),
    ):
        client, _ = answering(error)
        with client, pytest.raises(Unreachable) as caught:
            ask(client)
        assert ("did not answer in time" in str(caught.value)) == isinstance(error, httpx.TimeoutException)
        assert "online" in caught.value.remedy


@pytest.mark.parametrize(
    ("response", "code", "remedy"),
    [
        (httpx.Response(401), "unauthorised", "murmur login"),
        (httpx.Response(403), "unauthorised", "murmur allow-ip"),
        (httpx.Response(403, json={"message": "Forbidden"}), "error", "murmur allow-ip"),
        (httpx.Response(502, text="<html>"), "error", "server's own output"),
        (httpx.Response(200, text="<html>"), "not_murmur", "Check the address"),
        (httpx.Response(302, json={}), "not_murmur", "Check the address"),
        (httpx.Response(200, json=[1]), "not_murmur", "Check the address"),
    ],
)
def test_an_answer_that_is_no_flocks_says_what_to_do(response: httpx.Response, code: str, remedy: str) -> None:
    client, _ = answering(response)
    with client, pytest.raises(Answered) as caught:
        client.status()
    assert caught.value.answer_code == code
    assert remedy in caught.value.remedy


def test_a_file_that_changes_at_every_part_is_given_up_in_the_end() -> None:
    parts = [httpx.Response(200, content=b"x", headers={"etag": f"e{n}", "murmur-size": "2"}) for n in range(6)]
    client, asked = answering(*parts)
    with client, pytest.raises(Conflict, match="changes faster"):
        client.file("output/a.md", io.BytesIO())
    assert len(asked) == 6


def test_a_file_that_shrank_to_nothing_meanwhile_is_read_again() -> None:
    empty = httpx.Response(200, content=b"", headers={"etag": "e", "murmur-size": "5"})
    client, _ = answering(empty, httpx.Response(200, content=b"hello", headers={"etag": "f", "murmur-size": "5"}))
    held = io.BytesIO()
    with client:
        assert client.file("output/a.md", held) == 5
    assert held.getvalue() == b"hello"


def test_a_file_that_is_refused_is_an_answered_error() -> None:
    client, _ = answering(httpx.Response(404, json={"message": "No such file.", "code": "object_missing"}))
    with client, pytest.raises(Answered, match="No such file"):
        client.file("output/a.md", io.BytesIO())


def test_a_listing_that_never_moves_on_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = httpx.Response(200, json={"files": [{"key": "output/a"}], "more": True, "after": "output/a"})
    client, asked = answering(stuck)
    with client:
        assert [file["key"] for file in client.listing("/cluster/habitat")] == ["output/a", "output/a"]
    assert len(asked) == 2


def test_a_token_that_ran_out_is_renewed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = iter(["fresh", "fresh"])
    monkeypatch.setattr(signin, "token_for", lambda _url: next(renewed))
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200 if sent[-1] == "fresh" else 401, json={})

    where = Target(URL, token="old", renewable=True)
    with Client(where, httpx.MockTransport(answer)) as client:
        assert client.status() == {}
    assert sent == ["old", "fresh"]
    sent.clear()
    with Client(Target(URL, token="mine"), httpx.MockTransport(answer)) as client, pytest.raises(Answered):
        client.status()
    assert sent == ["Bearer mine"]


# ── the picture ──


class Source:
    """A flock as a feed asks it: answers, or the error that is set."""

    def __init__(self, flock: FakeFlock) -> None:
        self.flock = flock
        self.error: MurmurError | None = None

    def status(self) -> dict[str, Any]:
        if self.error:
            raise self.error
        return self.flock.status()

    def log(self, agent: int, after: int = -1) -> Iterator[dict[str, Any]]:
        return iter([line for line in self.flock.entries.get(agent, []) if line["iteration"] > after])


@pytest.fixture
def troubled() -> tuple[Feed, Source]:
    flock = FakeFlock(size=4, state="running", run=RUN, reason="agent-1 is missing")
    flock.entries = {0: [entry(0, files=["output/a.md"]), entry(1)]}
    flock.agents = {1: {"status": "missing", "inbox": None}, 2: {"neighbours": []}, 3: {"status": "unheard-of"}}
    flock.totals = {"failed_turns": 2, "tokens": 12345}
    source = Source(flock)
    return Feed(source, ask_seconds=0.0), source


def drawn(feed: Feed, height: int, hint: str = "") -> str:
    console = Console(width=120, height=height, file=io.StringIO(), record=True)
    console.print(draw(feed, height, 3.0, hint))
    return console.export_text()


def test_trouble_is_drawn_where_it_is(troubled: tuple[Feed, Source]) -> None:
    feed, source = troubled
    feed.update(0)
    text = drawn(feed, 40, "Ctrl-C leaves")
    for part in ("asking every second", "agent-1 is missing", "2 failed", "12,345 tokens", "[1 file]", "Ctrl-C leaves"):
        assert part in text
    source.error = Unreachable("The flock cannot be reached.", "Start it.")
    feed.update(0)
    feed._asked = float("-inf")
    feed.update(0)
    assert "The flock cannot be reached." in drawn(feed, 40)


def test_where_there_is_no_room_agents_are_marks_and_each_kind_is_counted(troubled: tuple[Feed, Source]) -> None:
    feed, _ = troubled
    feed.update(0)
    text = drawn(feed, 10)
    assert "○✗○?" in text
    assert "missing 1" in text
    assert "? unheard-of 1" in text


def test_a_flock_that_is_lost_and_heard_again_is_said_once_each(
    troubled: tuple[Feed, Source], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, source = troubled
    monkeypatch.setattr(view, "_TOTALS_EVERY_SECONDS", 0.0)
    with PlainView() as plain:
        plain.refresh(feed, feed.update(0))
        source.error = Unreachable("Gone.", "Start it.")
        for _ in range(2):
            feed.ask_next()
            plain.refresh(feed, feed.update(0))
        source.error = None
        feed.ask_next()
        plain.refresh(feed, feed.update(0))
    said = capsys.readouterr().err
    assert said.count("  Gone.") == 1
    assert said.count("the flock is heard again") == 1
    assert said.count("flock running: agent-1 is missing") == 1
    assert "4 agents · " in said
    assert feed.lost_seconds == 0.0


def test_on_a_terminal_it_is_drawn_in_place_and_the_screen_given_back(
    troubled: tuple[Feed, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, _ = troubled
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(progress_view(quiet=True, hint=""), PlainView)
    with progress_view(quiet=False, hint="hint") as shown:
        assert isinstance(shown, LiveView)
        shown.phase("run started")
        shown.refresh(feed, feed.update(0))
    with LiveView(full=True) as full:
        full.refresh(feed, [])
    said = terminal.getvalue()
    assert "run started" in said
    assert "agent-0" in said
    assert "\x1b[?1049l" in said  # the whole screen was given back


# ── a run ──


class Stage:
    """A flock for a Mission: answers of ``status`` one after the other, the last one for ever."""

    def __init__(self, *statuses: dict[str, Any]) -> None:
        self.statuses = list(statuses)
        self.asked: list[str] = []
        self.stop_error: MurmurError | None = None

    def status(self) -> dict[str, Any]:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def config(self) -> dict[str, Any]:
        return {}

    def log(self, _agent: int, _after: int = -1) -> Iterator[dict[str, Any]]:
        return iter([])

    def control(self, action: str, _body: object = None) -> dict[str, Any]:
        self.asked.append(action)
        if action == "stop" and self.stop_error:
            raise self.stop_error
        return {"run": RUN, "state": "starting"}


class Heard:
    """A view that keeps what it was told."""

    def __init__(self) -> None:
        self.phases: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def phase(self, text: str) -> None:
        self.phases.append(text)

    def refresh(self, feed: Feed, fresh: Sequence[Entry]) -> None: ...


def at(state: str, run: str = RUN, **agents: Any) -> dict[str, Any]:
    return FakeFlock(size=1, state=state, run=run, agents=agents.get("agents", {})).status()


@pytest.fixture
def mission(monkeypatch: pytest.MonkeyPatch) -> Callable[[Stage], tuple[Mission, Heard]]:
    monkeypatch.setattr("murmur.cli.mission._TICK_SECONDS", 0.0)
    monkeypatch.setattr("murmur.cli.feed.ASK_WITHOUT_SOCKET_SECONDS", 0.0)

    def made(stage: Stage) -> tuple[Mission, Heard]:
        heard = Heard()
        return Mission(stage, Feed(stage, ask_seconds=0.0), heard, threading.Event()), heard  # type: ignore[arg-type]

    return made


def test_a_settled_that_is_taken_back_is_not_believed(mission: Callable[[Stage], tuple[Mission, Heard]]) -> None:
    stage = Stage(at("settled"), at("running"), at("settled"), at("settled"), at("stopped"))
    outcome = mission(stage)[0].carry_out(Plan(direction="Go."))
    assert (outcome.kind, outcome.code) == ("settled", exits.OK)
    assert stage.asked == ["start", "stop"]


def test_a_run_somebody_else_replaced_is_over_and_theirs_is_not_stopped(
    mission: Callable[[Stage], tuple[Mission, Heard]],
) -> None:
    stage = Stage(at("running"), at("running", "another"))
    outcome = mission(stage)[0].carry_out(Plan())
    assert outcome.kind == "stopped"
    assert "another" in outcome.reason
    assert stage.asked == ["start"]


def test_a_flock_that_cannot_be_told_to_stop_is_left_and_that_is_said(
    mission: Callable[[Stage], tuple[Mission, Heard]],
) -> None:
    stage = Stage(at("settled"))
    stage.stop_error = Unreachable("Gone.", "Start it.")
    made, heard = mission(stage)
    assert made.carry_out(Plan()).kind == "settled"
    assert any(phase.startswith("could not stop it: Gone.") for phase in heard.phases)


def test_a_flock_that_never_says_stopped_is_waited_for_only_so_long(
    mission: Callable[[Stage], tuple[Mission, Heard]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("murmur.cli.mission.STOP_SECONDS", 0.0)
    made, heard = mission(Stage(at("settled")))
    made.carry_out(Plan())
    assert heard.phases[-1].startswith("it has not said stopped for")


def test_ctrl_c_before_the_start_leaves_nothing_to_stop(mission: Callable[[Stage], tuple[Mission, Heard]]) -> None:
    stage = Stage(at("stopped"))
    made, _ = mission(stage)
    made._interrupt.set()
    with pytest.raises(Interrupted):
        made.carry_out(Plan())
    assert stage.asked == []


def test_a_run_that_is_on_is_ended_only_by_whoever_may(mission: Callable[[Stage], tuple[Mission, Heard]]) -> None:
    stage = Stage(at("running", "before"), at("stopped", "before"))
    with pytest.raises(WrongState, match="already on"):
        mission(stage)[0].clear(take_over=False)
    stage = Stage(at("running", "before"), at("stopped", "before"))
    made, heard = mission(stage)
    made.clear(take_over=True)
    assert stage.asked == ["stop"]
    assert "cut off earlier" in heard.phases[0]


def test_time_that_is_up_says_how_many_still_had_work(mission: Callable[[Stage], tuple[Mission, Heard]]) -> None:
    stage = Stage(at("running", agents={0: {"status": "turn"}}))
    stage.statuses += [at("running", agents={0: {"status": "turn"}}), at("stopped")]
    outcome = mission(stage)[0].carry_out(Plan(max_seconds=1e-9))
    assert (outcome.kind, outcome.code) == ("limit", exits.NOT_SETTLED)
    assert "1 agent of 1 still had work" in outcome.reason


def test_a_status_is_read_as_far_as_it_goes() -> None:
    assert Status.parse({}).agents == ()
