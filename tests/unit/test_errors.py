"""One tree of errors: what is drawn is what there is, every class of it is raised somewhere, and what it says helps."""

from __future__ import annotations

import ast
import asyncio
import builtins
import functools
import hashlib
import importlib
import inspect
import io
import re
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

import murmur.errors as core
from agent.brains.mcp.client import McpClient
from agent.brains.mcp.errors import ServerUnreachable, ToolRefused
from agent.brains.mcp.http import parse_url
from agent.brains.model.failure import ModelFailure
from agent.brains.model.session import prepare
from agent.brains.scripted.session import Behaviour, ScriptedSession
from agent.brains.session import Cancelled
from agent.heart import Heart
from agent.runner.failure import AgentFailure
from agent.runner.kinds import runner_named
from agent.runner.process import AgentProcess
from agent.tools.page import NotText, page_of
from agent.tools.paths import normalise
from agent.tools.writing import FileChanged, Writer
from cdk.cli import PINNED, Toolkit, ToolkitFailed
from functions.api.errors import ErrorBody, Internal, NoRoute, TooLarge, WrongMethod
from murmur import where
from murmur.aws.bedrock import Frames, MalformedFrame
from murmur.aws.failures import murmur_errors
from murmur.cli.aws_errors import NoAccess, told
from murmur.cli.client import Answered, Client
from murmur.cli.find import Target, Unreachable, target
from murmur.cli.narrating import Narrator, narrate
from murmur.cli.parser import UsageError
from murmur.cli.signin import SignInFailed, directory
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.documents import check_text
from murmur.entry import LogEntry
from murmur.errors import (
    Conflict,
    Fenced,
    InvalidConfig,
    InvalidEntry,
    InvalidInput,
    MurmurError,
    NotFound,
    ObjectChanged,
    ObjectMissing,
    PathRefused,
    Refused,
    RunnerError,
    Unavailable,
    WrongState,
)
from murmur.local.home import Home
from murmur.memory.store import MemoryStore
from murmur.ports import StoredObject
from murmur.services import Limits
from murmur.simulate.experiment import NotReached, simulate
from murmur.simulate.question import Question
from murmur.state import AgentState
from murmur.where import BadFilter
from tests.unit.api_twins import flock

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("murmur", "agent", "functions", "cdk")
NOT_FOR_PEOPLE = {
    "NoCapacity": "EC2's answer, which the fleet turns into another subnet, or Unavailable",
    "Mismatch": "EC2's answer, which the fleet turns into another token, or Unavailable",
    "RpcError": "an answer of the ACP side of a brain; Murmur's runner turns it into AgentFailure",
    "Interrupted": "Ctrl-C on its way through `murmur run`",
    "Stuck": "a fault of the simulator itself",
    "Unfit": "a script of the instance that stands alone",
}
"""Exceptions outside the tree, and why nobody is shown one."""
ITS_OWN_REMEDY = (RunnerError, ToolRefused, Cancelled)
"""A turn that failed is taken again by the loop, a tool's words hold the remedy, a cancelled turn needs none."""
NOISE = re.compile(r"Traceback|\w(Error|Exception)\(|<[\w.]+ object at|\bNone\b|File \"|\n|\.\.\s|\.\.$")


class Case(NamedTuple):
    """What makes a class's error come up, and the words that name what it was about."""

    comes_up: Callable[[Path, pytest.MonkeyPatch], Any]
    names: str


def _aws(error: Exception) -> None:
    with murmur_errors("output/a.md"):
        raise error


def _operator(error: Exception) -> None:
    with told("the bucket flock-bucket", "eu-west-1"):
        raise error


async def _beaten(*_: object) -> None:
    """Two processes are agent 3."""
    store = MemoryStore()
    old, new = (Heart(store, SystemClock(), AgentState(agent=3, run="r", host=host)) for host in ("one", "two"))
    await old.put()
    await new.open()
    await new.put()
    await old.put()


async def _overwritten(*_: object) -> None:
    store = MemoryStore()
    etag = await store.put("output/a.md", b"mine")
    await store.put("output/a.md", b"theirs", metadata={"agent": "4", "iteration": "2"})
    await Writer(store, 3, 0).replace("output/a.md", b"mine again", etag)


def _locked(home: Path, _: object) -> None:
    holder = Home(home)
    holder.take()
    try:
        Home(home).take()
    finally:
        holder.release()


def _cancelled(*_: object) -> None:
    session = ScriptedSession([], Behaviour())
    session.cancel()
    session.run("", cast("Any", None))


def _cut_short(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("murmur.simulate.experiment.LONGEST_RUN_MINUTES", 0.0)
    simulate(Question(agents=2, contributions=1))


def _deployed(cache: Path, patch: pytest.MonkeyPatch) -> None:
    """With ``false`` in the place of Node: the CDK command ends as one that failed."""
    patch.setenv("JSII_NODE", "false")
    digest = hashlib.sha256((PINNED / "package-lock.json").read_bytes()).hexdigest()[:12]
    (cache / f"cli-{digest}").mkdir()
    (cache / f"cli-{digest}" / "complete").touch()
    Toolkit(cache).run(["deploy"])


def _keyless(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("MURMUR_MODEL", "openai:gpt-5")
    for name in ("OPENAI_API_KEY", "MURMUR_MODEL_KEY", "OPENAI_BASE_URL"):
        patch.delenv(name, raising=False)
    prepare()


def _unmanned(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("MURMUR_CUSTOM_COMMAND", "no-such-agent")
    narrate(Narrator(runner_named("custom"), "", 5.0), "Tell.")


def _signed_in(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("httpx.request", lambda *_, **__: httpx.Response(200, content=b"[]"))
    directory("https://flock.example.org")


_DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours."}}, "PutObject")
_SILENT = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
_BINARY = StoredObject("output/a.png", b"\x89PNG\xff", "e", 5, datetime.now(UTC))
CASES: dict[type[MurmurError], Case] = {
    InvalidInput: Case(lambda *_: check_text(" ", "The direction", 10), "The direction"),
    InvalidConfig: Case(lambda *_: FlockConfig.parse({"concurrency": 0}), "concurrency = 0"),
    InvalidEntry: Case(lambda *_: LogEntry.from_line(b'{"ts":"t"}'), "iteration"),
    UsageError: Case(lambda *_: target(Namespace(flock="one", url="http://two")), "--flock"),
    BadFilter: Case(lambda *_: where.parse("idle and"), "Column 9"),
    NotText: Case(lambda *_: page_of(_BINARY), "output/a.png"),
    TooLarge: Case(lambda *_: _answer("GET", "/cluster/habitat.zip", limits=Limits(response=1)), "1 files"),
    WrongMethod: Case(lambda *_: _answer("DELETE", "/cluster/status"), "DELETE"),
    NotFound: Case(lambda *_: runner_named("nobody"), "nobody"),
    NoRoute: Case(lambda *_: _answer("GET", "/cluster/nest"), "/cluster/nest"),
    ObjectMissing: Case(lambda *_: MemoryStore().get("output/a.md"), "output/a.md"),
    Conflict: Case(lambda *_: _client(_changing).file("output/a.md", io.BytesIO()), "output/a.md"),
    ObjectChanged: Case(lambda *_: MemoryStore().replace("control.json", b"{}", "older"), "control.json"),
    FileChanged: Case(_overwritten, "agent-4"),
    Fenced: Case(_beaten, "agent-3"),
    WrongState: Case(_locked, "Another server"),
    Refused: Case(lambda *_: _aws(_DENIED), "output/a.md"),
    PathRefused: Case(lambda *_: normalise("../secret"), "../secret"),
    NoAccess: Case(lambda *_: _operator(NoCredentialsError()), "credentials"),
    SignInFailed: Case(_signed_in, "/settings.json"),
    ToolRefused: Case(lambda *_: McpClient(_Refusing()).call("fs_read", {"path": "x"}), "'x'"),
    Unavailable: Case(lambda *_: _aws(_SILENT), "127.0.0.1:9"),
    MalformedFrame: Case(lambda *_: list(Frames().feed(b"x" * 64)), "event stream"),
    Unreachable: Case(lambda *_: _client(_dead).status(), "http://127.0.0.1:9"),
    ServerUnreachable: Case(lambda *_: parse_url("ftp://127.0.0.1"), "ftp://127.0.0.1"),
    RunnerError: Case(_unmanned, "no-such-agent"),
    AgentFailure: Case(
        lambda home, _: AgentProcess.start(["no-such-agent"], {}, home, remedy="Install it."), "no-such-agent"
    ),
    ModelFailure: Case(_keyless, "OpenAI"),
    Answered: Case(lambda *_: _client(_failing).status(), "HTTP 502"),
    Cancelled: Case(_cancelled, "turn"),
    Internal: Case(lambda *_: _answer("GET", "/cluster/status", broken=True), "Murmur"),
    NotReached: Case(_cut_short, "work"),
    ToolkitFailed: Case(_deployed, "cdk deploy"),
}


def test_every_class_of_the_tree_has_a_case() -> None:
    assert set(CASES) == _tree() - {MurmurError}


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
async def test_an_error_comes_up_and_says_what_to_what_and_what_next(
    kind: type[MurmurError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, message, remedy = await _said(CASES[kind].comes_up, tmp_path, monkeypatch)
    assert code == kind.code
    assert CASES[kind].names in message
    assert message.endswith((".", "…"))
    assert not NOISE.search(f"{message} {remedy}")
    assert remedy.endswith(".") or (not remedy and issubclass(kind, ITS_OWN_REMEDY))


def test_the_tree_that_is_drawn_is_the_one_there_is() -> None:
    depths = {-1: ""}
    drawn: dict[str, str] = {}
    for line in (core.__doc__ or "").splitlines():
        if match := re.fullmatch(r" {4}([│├└─ ]*)(\w+)(?: .*)?", line):
            depth = len(match[1]) // 4
            drawn[match[2]] = depths[depth - 1]
            depths[depth] = match[2]
    there = {kind.__name__: kind.__bases__[0].__name__ for kind in _tree() if kind.__module__ == core.__name__}
    assert drawn == {**there, "MurmurError": ""}


def test_codes_and_remedies_are_each_classes_own() -> None:
    kinds = _tree()
    codes = [kind.code for kind in kinds if "code" in vars(kind)]
    assert len(codes) == len(set(codes))
    for kind in kinds:
        assert 400 <= kind.http_status <= 599
        if kind is not MurmurError and not issubclass(kind, ITS_OWN_REMEDY):
            assert "Remedy:" in (kind.__doc__ or ""), f"{kind.__name__} names no remedy"


def test_nothing_that_a_person_sees_grows_outside_the_tree() -> None:
    inside = {kind.__name__ for kind in _tree()}
    assert _exceptions() - inside == set(NOT_FOR_PEOPLE)


def test_wherever_an_error_is_made_it_is_given_a_remedy_and_no_repr_of_its_cause() -> None:
    kinds = {kind.__name__: kind for kind in _tree()}
    words = {name: [*inspect.signature(kind.__init__).parameters][1:] for name, kind in kinds.items()}
    wrong: list[str] = []
    for path, node in _nodes(ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in kinds:
            continue
        given = dict(zip(words[name], node.args, strict=False)) | {part.arg: part.value for part in node.keywords}
        said, remedy = _end_of(given.get("message")), _end_of(given.get("remedy"))
        where_ = f"{path}:{node.lineno}: {name}"
        if re.search(r"\{(error|failure|exc|e)!r\}", ast.unparse(node)):
            wrong.append(f"{where_} shows the repr of its cause")
        if said == "" or (remedy == "" and not issubclass(kinds[name], ITS_OWN_REMEDY)):
            wrong.append(f"{where_} says nothing")
        if remedy and remedy[-1] not in ".?}":
            wrong.append(f"{where_}: its remedy is no sentence: {remedy!r}")
    assert wrong == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("It is so.", "It is so."),
        ("AWS said: no", "AWS said: no."),
        ("AWS said: no..", "AWS said: no."),
        ("AWS said: well...", "AWS said: well..."),
        ("Is it so?", "Is it so?"),
        (" It is so. \n", "It is so."),
        ("", ""),
    ],
)
def test_foreign_words_at_the_end_of_a_message_are_made_a_sentence(words: str, sentence: str) -> None:
    error = InvalidInput(words, "Do this.")
    assert error.message == sentence
    assert str(error) == f"{sentence} Do this.".strip()


# -- what comes up ----------------------------------------------------------------------------------------------------


async def _said(
    comes_up: Callable[[Path, pytest.MonkeyPatch], Any], home: Path, patch: pytest.MonkeyPatch
) -> tuple[str, str, str]:
    """Code, message and remedy of the error that comes up, be it raised or answered by the API."""
    try:
        found = await asyncio.to_thread(comes_up, home, patch)  # some of them run a loop of their own
        if inspect.isawaitable(found):
            found = await found
    except MurmurError as error:
        return error.code, error.message, error.remedy
    assert isinstance(found, ErrorBody), f"nothing came up but {found!r}"
    return found.code, found.message, found.remedy


async def _answer(method: str, path: str, *, limits: Limits | None = None, broken: bool = False) -> ErrorBody:
    world = flock(limits=limits or Limits())
    await world.store.put("output/a.md", b"much")
    if broken:
        vars(world.store)["get"] = None
    return ErrorBody.model_validate((await world.call(method, path)).json)


def _client(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client(Target("http://127.0.0.1:9"), httpx.MockTransport(answer))


def _changing(request: httpx.Request) -> httpx.Response:
    """A file that is another one at every look."""
    return httpx.Response(200, headers={"etag": request.url.params["offset"], "murmur-size": "9"}, content=b"x")


def _dead(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused")


def _failing(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(502, content=b"<html>")


class _Refusing:
    """An MCP server whose tools refuse."""

    def request(self, message: dict[str, Any]) -> dict[str, Any]:
        words = {"type": "text", "text": "'x' is refused: it is none of yours. Name another."}
        return {"jsonrpc": "2.0", "id": message["id"], "result": {"isError": True, "content": [words]}}

    def notify(self, message: dict[str, Any]) -> None: ...
    def agree(self, version: str) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


# -- what there is ----------------------------------------------------------------------------------------------------


@functools.cache
def _parsed() -> tuple[tuple[Path, ast.Module], ...]:
    paths = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return tuple((path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))) for path in paths)


def _nodes(kind: type[Any]) -> Iterator[tuple[Path, Any]]:
    for path, tree in _parsed():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield path, node


def _exceptions() -> set[str]:
    """Names of all exceptions that the rooms define, whatever they derive from."""
    return set(_places())


@functools.cache
def _places() -> dict[str, Path]:
    defined = [(node.name, {ast.unparse(base) for base in node.bases}, path) for path, node in _nodes(ast.ClassDef)]
    found: dict[str, Path] = {}
    known = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    while fresh := {name: path for name, bases, path in defined if name not in found and bases & {*known, *found}}:
        found |= fresh
    return found


def _tree() -> set[type[MurmurError]]:
    """The classes there are, of all rooms: the modules that define exceptions are imported for it."""
    for path in set(_places().values()):
        if "files" not in path.parts:  # a script of the instance
            importlib.import_module(".".join(path.with_suffix("").parts))
    tree: set[type[MurmurError]] = set()
    fresh: set[type[MurmurError]] = {MurmurError}
    while fresh:
        tree |= fresh
        fresh = {below for kind in fresh for below in kind.__subclasses__() if below.__module__.startswith(ROOMS)}
    return tree


def _end_of(node: ast.expr | None) -> str | None:
    """How a literal ends ("}": with a value that is filled in); "" for an empty one; None if it is no literal."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(text))]):
            return text
        case ast.JoinedStr():
            return "}"
        case ast.BinOp(right=right):
            return _end_of(right)
    return None
