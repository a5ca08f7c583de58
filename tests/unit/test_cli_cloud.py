"""What the command says of an account, a stack, a sign-in and a machine in trouble. Nothing of AWS is pretended but its answers."""

from __future__ import annotations

import importlib.util
import resource
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from murmur.cli import aws, aws_checks, checks, exits, known, signin
from murmur.cli.account import Identity, StackState
from murmur.cli.aws_checks import examine_aws
from murmur.cli.aws_errors import NoAccess
from murmur.cli.checks import Check
from murmur.cli.deploying import Deployer, Plan, custom_allowed
from murmur.cli.deployment import read_choices
from murmur.cli.destroying import Destroyer
from murmur.cli.main import main
from murmur.cli.mission import Outcome
from murmur.cli.parser import UsageError
from murmur.cli.signin import Directory, SignIn, SignInFailed
from murmur.cli.verbs import deploy, login
from murmur.errors import InvalidInput, Unavailable, WrongState

URL = "https://x.example/app"
UP = StackState("murmur-murmur", "UPDATE_COMPLETE", outputs={"Url": f"{URL}/"})


@dataclass
class Answers:
    """An account that answers what is set."""

    state: StackState = UP
    later: list[StackState] = field(default_factory=list)
    refused: bool = False
    prepared: bool = True
    vcpus: float | None = 64.0
    there: bool = True
    objects: dict[str, list[str]] = field(default_factory=lambda: {"agent/": ["a"], "web/": ["b"]})
    parameters: dict[str, str] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)
    region: str = "eu-west-1"
    deleted: list[str] = field(default_factory=list)

    def identity(self) -> Identity:
        if self.refused:
            raise NoAccess("No credentials were found.", "Set AWS_PROFILE.")
        return Identity("123456789012", "arn:aws:iam::123456789012:user/ops", self.region)

    def bootstrapped(self) -> bool:
        return self.prepared

    def quota(self, _service: str, _code: str) -> float | None:
        return self.vcpus

    def stack(self, _name: str) -> StackState:
        return self.later.pop(0) if self.later else self.state

    def troubles(self, _name: str) -> list[str]:
        return self.why

    def has_bucket(self, _name: str) -> bool:
        return self.there

    def keys_under(self, _bucket: str, prefix: str) -> list[str]:
        return self.objects.get(prefix, [])

    def parameter(self, name: str) -> str | None:
        return self.parameters.get(name)

    def instances(self, _flock: str) -> list[str]:
        return []

    def delete_stack(self, name: str) -> None:
        self.deleted.append(name)


def examined(account: Answers, address: str = "203.0.113.7") -> dict[str, Check]:
    return {check.name: check for check in examine_aws(account, "murmur", lambda: address)}  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MURMUR_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(aws_checks, "directory", lambda _url: Directory("https://a", "https://b", "c", "d"))
    monkeypatch.chdir(tmp_path)


# ── the doctor, of an account ──


def test_without_credentials_nothing_else_is_looked_at() -> None:
    found = examined(Answers(refused=True))
    assert list(found) == ["credentials"]
    assert (found["credentials"].state, found["credentials"].remedy) == ("failed", "Set AWS_PROFILE.")


@pytest.mark.parametrize(
    ("account", "name", "state", "words"),
    [
        (Answers(vcpus=None), "quota", "warning", "could not be read"),
        (Answers(vcpus=1.0), "quota", "warning", "64 agents need"),
        (Answers(), "quota", "ok", "64 vCPUs"),
        (Answers(prepared=False), "bootstrap", "warning", "is not prepared"),
        (Answers(state=StackState("s", "ROLLBACK_FAILED", "gone wrong")), "stack", "failed", "gone wrong"),
        (Answers(state=StackState("s", "DELETE_FAILED"), why=["a bus has rules"]), "stack", "failed", "bus has rules"),
        (Answers(state=StackState("s", "UPDATE_IN_PROGRESS")), "stack", "warning", "UPDATE_IN_PROGRESS"),
        (Answers(state=StackState("s", "UPDATE_ROLLBACK_COMPLETE")), "stack", "warning", "UPDATE_ROLLBACK_COMPLETE"),
        (Answers(there=False), "bucket", "failed", "is gone"),
        (Answers(objects={"web/": ["b"]}), "bucket", "failed", "lacks the instances' bundle"),
        (Answers(objects={"agent/": ["a"]}), "bucket", "failed", "lacks the dashboard"),
        (Answers(), "bucket", "ok", "1 bundle, 1 page"),
        (Answers(), "api key", "ok", "none is needed"),
        (Answers(), "allowlist", "warning", "203.0.113.7"),
        (Answers(), "sign-in", "warning", "nobody is signed in"),
        (Answers(parameters={"/murmur/murmur/deployment": "{damaged"}), "quota", "failed", "is damaged"),
    ],
)
def test_each_trouble_of_a_deployed_flock_is_found_where_it_is(
    account: Answers, name: str, state: str, words: str
) -> None:
    check = examined(account)[name]
    assert (check.state, words in check.detail) == (state, True), check
    assert check.remedy or check.state == "ok"


def test_a_flock_that_asks_for_no_sign_in_is_a_failure_and_one_that_is_signed_in_to_is_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aws_checks, "directory", lambda _url: None)
    monkeypatch.setattr(aws_checks, "kept", lambda _url: SignIn(URL, "t", "c", "i", "r", 0.0))
    found = examined(Answers())
    assert found["reachable"].state == "failed"
    assert found["sign-in"].state == "ok"


def test_what_deploying_needs_and_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    here = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "aws_cdk" else here(name, *more)
    )
    assert "aws_cdk" in examined(Answers())["cdk"].detail
    with pytest.raises(Unavailable, match="is not installed"):
        aws.cdk_command()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "cdk" else here(name, *more))
    with pytest.raises(UsageError, match="needs Murmur's repository"):
        aws.require_repository()


# ── deploying and destroying ──


def deployer(account: Answers) -> Deployer:
    return Deployer(account, object(), lambda _: None, lambda _: "")  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "ROLLBACK_FAILED"])
def test_a_stack_nothing_can_be_done_with_is_refused_before_anything_is_done(status: str) -> None:
    account = Answers(state=StackState("murmur-murmur", status, "because"))
    with pytest.raises(WrongState, match=status):
        deployer(account).deploy(Plan("murmur"))


def test_an_agent_of_ones_own_needs_a_command_and_an_archive_that_is_there(tmp_path: Path) -> None:
    account = Answers(parameters={"/murmur/murmur/deployment": '{"runners": "custom", "email": "ops@example.org"}'})
    with pytest.raises(UsageError, match="has no command"):
        deployer(account).deploy(Plan("murmur"))
    with pytest.raises(UsageError, match="goes with --agent-command"):
        custom_allowed({}, tmp_path / "x.zip")
    with pytest.raises(InvalidInput, match="There is no file"):
        custom_allowed({"custom_command": "x"}, tmp_path / "x.zip")


def test_choices_that_are_damaged_are_named_not_guessed() -> None:
    for text in ("{", "[1]"):
        with pytest.raises(InvalidInput, match="damaged"):
            read_choices(Answers(parameters={"/murmur/murmur/deployment": text}), "murmur")  # type: ignore[arg-type]


def test_a_key_is_asked_of_whoever_sits_there_and_of_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="nobody can be asked"):
        deploy._key(None, "KIRO_API_KEY")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda question: "secret" if "KIRO_API_KEY" in question else "")
    assert deploy._key(None, "KIRO_API_KEY") == "secret"


def test_a_parameter_of_the_stack_without_a_value_is_refused() -> None:
    assert main(["deploy", "--set", "log_days"]) == exits.USAGE


@pytest.mark.parametrize(
    ("later", "error", "words"),
    [
        ([UP, StackState("s", "DELETE_FAILED", "a bus has rules")], WrongState, "a bus has rules"),
        ([UP, StackState("s", "DELETE_IN_PROGRESS")], Unavailable, "still DELETE_IN_PROGRESS"),
    ],
)
def test_a_stack_that_does_not_go_is_said_to_stay(
    monkeypatch: pytest.MonkeyPatch, later: list[StackState], error: type[Exception], words: str
) -> None:
    monkeypatch.setattr("murmur.cli.destroying.DELETE_SECONDS", 0.0)
    account = Answers(later=later, there=False)
    with pytest.raises(error, match=words):
        Destroyer(account, "murmur", lambda _: None, 0.0).destroy(delete_data=False)  # type: ignore[arg-type]
    assert account.deleted == ["murmur-murmur"]


def test_a_stack_that_takes_its_time_is_waited_for() -> None:
    going = StackState("s", "DELETE_IN_PROGRESS")
    account = Answers(later=[UP, going, going, StackState("s")], there=False)
    assert Destroyer(account, "murmur", lambda _: None, 0.0).destroy(delete_data=False)  # type: ignore[arg-type]


def test_a_flock_on_this_machine_needs_no_profile_and_credentials_given_win(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr("murmur.cli.account.Account.of", lambda profile, region: asked.append((profile, region)))
    known.remember(known.Known("docs", URL, "eu-west-1", "work"))
    for name in aws._OWN_CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    aws.account_of(Namespace(flock="docs", region="", profile=""))
    aws.account_of(Namespace(flock="docs", region="us-east-1", profile="mine"))
    aws.account_of(Namespace(flock="other", region="", profile=""))
    monkeypatch.setenv(next(iter(aws._OWN_CREDENTIALS)), "x")
    aws.account_of(Namespace(flock="docs", region="", profile=""))
    assert asked == [("work", "eu-west-1"), ("mine", "us-east-1"), ("", ""), ("", "eu-west-1")]


# ── signing in ──


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(403, text="no"), SignInFailed, "HTTP 403"),
        (httpx.Response(400, json={"error": "invalid_grant"}), SignInFailed, "HTTP 400 invalid_grant"),
        (httpx.Response(200, text="<html>"), SignInFailed, "something unknown"),
        (httpx.Response(200, json=[1]), SignInFailed, "something unknown"),
        (httpx.ConnectError("refused"), Unavailable, "cannot be reached"),
        (httpx.InvalidURL("no"), Unavailable, "cannot be reached"),
    ],
)
def test_a_sign_in_service_that_answers_oddly_is_said_to(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception, error: type[Exception], words: str
) -> None:
    def asked(*_: object, **__: object) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(httpx, "request", asked)
    with pytest.raises(error, match=words):
        signin.directory(URL)


def test_an_answer_without_a_token_is_no_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "request", lambda *_, **__: httpx.Response(200, json={"id_token": ""}))
    signin._keep(SignIn(URL, "https://auth.example/token", "c", "old", "refresh", 0.0))
    with pytest.raises(SignInFailed, match="run out"):
        signin.token_for(URL)
    assert signin.kept(URL) is None
    assert not signin.revoke(URL)


def test_a_sign_in_that_cannot_be_renewed_is_only_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(httpx, "request", lambda *words, **__: told.append(words))
    signin._keep(SignIn(URL, "https://auth.example/token", "c", "old", "", 0.0))
    assert signin.revoke(URL)
    assert told == []


@pytest.mark.parametrize("text", ["", "{}", '{"url": 3}', "[]"])
def test_a_damaged_note_of_a_sign_in_is_none(text: str) -> None:
    signin._keep(SignIn(URL, "https://auth.example/token", "c", "i", "r", 9e12))
    assert signin.token_for(URL) == "i"
    signin._place(URL).write_text(text)
    assert signin.token_for(URL) == ""


def test_signing_in_opens_the_page_unless_told_not_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def signed(url: str, _where: object, browse: Callable[[str], object]) -> SignIn:
        browse("https://auth.example/page")
        return SignIn(url, "t", "c", "i", "r", 5.5)

    monkeypatch.setattr(login, "sign_in", signed)
    monkeypatch.setattr(login, "directory", lambda _url: Directory("https://a", "https://b", "c", "d"))
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["login", "--url", URL]) == exits.OK
    assert capsys.readouterr().out.strip() == f"signed in to {URL}"
    assert main(["login", "--url", URL, "--flock", "docs", "--no-browser", "--json"]) == exits.OK
    assert '"expires": 5' in capsys.readouterr().out
    assert opened == ["https://auth.example/page"]
    assert main(["login"]) == exits.OK
    assert "use it as `murmur --flock docs status`" in capsys.readouterr().out
    monkeypatch.setattr(login, "directory", lambda _url: None)
    assert main(["login", "--flock", "docs"]) == exits.OK
    assert "asks for no sign-in" in capsys.readouterr().out


# ── the doctor, of a machine ──


def test_a_folder_nobody_may_write_and_too_little_room_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert checks.folder().state == "ok"
    monkeypatch.setattr(checks.os, "access", lambda *_: False)
    assert checks.folder().state == "failed"
    monkeypatch.setattr(checks, "_FREE_BYTES", 10**18)
    assert (checks.disk().state, "Free some space" in checks.disk().remedy) == ("warning", True)


def test_few_open_files_and_a_taken_port_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 128))
    assert checks.open_files().state == "warning"
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert checks.open_files().detail == "unlimited"
    for free, state in ((True, "ok"), (False, "warning")):
        monkeypatch.setattr(checks, "free_port", lambda _port, free=free: free)
        assert checks.port().state == state


@pytest.mark.parametrize(("code", "files", "state"), [(exits.OK, 2, "ok"), (exits.OK, 0, "failed"), (3, 2, "failed")])
def test_a_trial_run_without_a_result_is_no_good_installation(
    monkeypatch: pytest.MonkeyPatch, code: int, files: int, state: str
) -> None:
    async def small(_home: Path) -> tuple[Outcome, int, int]:
        return Outcome("settled", "everyone is idle", code), 4, files

    monkeypatch.setattr(checks, "_small_run", small)
    found = checks.turn()
    assert (found.state, bool(found.remedy)) == (state, state == "failed")
    assert "4 turns" in found.detail


def test_a_check_that_raises_is_a_finding_with_a_remedy() -> None:
    def fails(error: Exception) -> Callable[[], Check]:
        def check() -> Check:
            raise error

        return check

    known_fault = checks.made(fails(Unavailable("No port.", "Free one.")), "x")
    assert (known_fault.state, known_fault.detail, known_fault.remedy) == ("failed", "No port.", "Free one.")
    assert "ZeroDivisionError" in checks.made(fails(ZeroDivisionError("by zero")), "x").detail


def test_a_built_in_runner_without_its_command_is_a_broken_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent:
        command = ("no-such-command",)
        remedy = "Install it."

        def installed(self) -> bool:
            return False

    monkeypatch.setattr("agent.runner.kinds.known_runners", lambda *_: {"scripted": Absent()})
    found = checks.runners()
    assert (found.state, found.remedy) == ("failed", "Install it.")
    assert "no-such-command" in found.detail
