"""Signing in to a deployed flock: a pretended Cognito on loopback that checks PKCE, a flock behind it, and a browser that obeys."""

import base64
import hashlib
import json
import secrets
import socket
import stat
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from murmur.cli import exits, signin
from murmur.cli.client import Client
from murmur.cli.feed import follow
from murmur.cli.find import Target, target
from murmur.cli.known import Known, recall, remember
from murmur.cli.main import main
from murmur.cli.signin import SignInFailed, directory, kept, sign_in, token_for
from murmur.errors import WrongState

ROOT = Path(__file__).parents[2]
CLIENT = "the-client"


class FakeCloud:
    """``/oauth2`` as Cognito has it, ``/app`` as the deployed flock has it."""

    def __init__(self) -> None:
        self.codes: dict[str, dict[str, str]] = {}
        self.valid: set[str] = set()
        self.refresh: set[str] = set()
        self.forms: list[dict[str, str]] = []
        self.expires_in = 3600
        self.tickets: set[str] = set()
        self.refuse_user = False
        self.url = ""
        self.opened: list[str] = []

    def token(self) -> str:
        made = secrets.token_urlsafe(16)
        self.valid.add(made)
        return made

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        back = {"state": asked["state"]}
        if self.refuse_user:
            back |= {"error": "access_denied", "error_description": "User is disabled"}
        else:
            code = back["code"] = secrets.token_urlsafe(8)
            self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def exchange(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.forms.append(form)
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse(
                {"id_token": self.token(), "access_token": "not-for-the-api", "expires_in": self.expires_in}
            )
        asked = self.codes.pop(form["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        if not asked or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        refresh = secrets.token_urlsafe(16)
        self.refresh.add(refresh)
        return JSONResponse(
            {
                "id_token": self.token(),
                "access_token": "not-for-the-api",
                "refresh_token": refresh,
                "expires_in": self.expires_in,
            }
        )

    async def revoke(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        self.refresh.discard(form["token"][0])
        return Response(b"")

    async def settings(self, _: Request) -> Response:
        origin = self.url.removesuffix("/app")
        auth = {
            "authorize": f"{origin}/oauth2/authorize",
            "token": f"{origin}/oauth2/token",
            "logout": f"{origin}/logout",
            "client": CLIENT,
            "scope": "openid",
        }
        return JSONResponse({"live": f"{origin}/stage".replace("http", "ws"), "auth": auth, "aws": True})

    async def cluster(self, request: Request) -> Response:
        if request.headers.get("authorization", "") not in self.valid:
            return JSONResponse({"message": "Unauthorized"}, 401)
        if request.url.path.endswith("/ticket"):
            ticket = secrets.token_urlsafe(8)
            self.tickets.add(ticket)
            return JSONResponse({"ticket": ticket, "expires_seconds": 30})
        return JSONResponse({"state": "stopped", "run": "", "agents": [], "concurrency": 0})

    async def live(self, ws: WebSocket) -> None:
        ticket = ws.query_params.get("ticket", "")
        if ticket not in self.tickets:
            await ws.close()
            return
        self.tickets.remove(ticket)
        self.opened.append(ticket)
        await ws.accept()
        while True:
            try:
                await ws.receive_text()
            except WebSocketDisconnect:
                return
            await ws.send_json(
                {"type": "control", "control": {"state": "running", "run": "r", "reason": ""}, "cursor": {}}
            )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    fake, port = FakeCloud(), free_port()
    monkeypatch.setattr(signin, "PORT", port)
    monkeypatch.setattr(signin, "CALLBACK", f"http://localhost:{port}/callback")
    monkeypatch.setenv("MURMUR_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    for name in ("MURMUR_URL", "MURMUR_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    routes = [
        Route("/oauth2/authorize", fake.authorize),
        Route("/oauth2/token", fake.exchange, methods=["POST"]),
        Route("/oauth2/revoke", fake.revoke, methods=["POST"]),
        Route("/app/settings.json", fake.settings),
        Route("/app/cluster/{path:path}", fake.cluster, methods=["GET", "POST"]),
        WebSocketRoute("/stage", fake.live),
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Starlette(routes=routes), log_level="error", lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: server.run([listener]), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{listener.getsockname()[1]}/app"
    try:
        yield fake
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


class Browser:
    """Opens the page and follows where it leads, as a person's would; beside the command, which waits."""

    def __init__(self, spoil: Any = lambda url: url) -> None:
        self.answers: list[httpx.Response] = []
        self._spoil = spoil
        self._thread: threading.Thread | None = None

    def __call__(self, page: str) -> None:
        self._thread = threading.Thread(target=self._go, args=(page,), daemon=True)
        self._thread.start()

    def _go(self, page: str) -> None:
        with httpx.Client(trust_env=False, timeout=20) as http:
            back = http.get(page).headers["location"]
            for url in [self._spoil(back), back] if self._spoil(back) != back else [back]:
                self.answers.append(http.get(url))

    def done(self) -> list[httpx.Response]:
        assert self._thread
        self._thread.join(20)
        return self.answers


def signed_in(cloud: FakeCloud) -> str:
    where, browser = directory(cloud.url), Browser()
    assert where
    made = sign_in(cloud.url, where, browser, 20)
    browser.done()
    return made.identity


def test_the_code_is_exchanged_with_its_verifier_and_the_tokens_are_this_users_only(cloud: FakeCloud) -> None:
    where, browser = directory(cloud.url), Browser()
    assert where
    made = sign_in(cloud.url, where, browser, 20)
    assert made.identity in cloud.valid
    assert "Signed in" in browser.done()[0].text
    assert kept(cloud.url) == made
    (file,) = (signin.config_home() / "sign-ins").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_an_answer_with_another_state_is_not_taken_and_the_right_one_still_is(cloud: FakeCloud) -> None:
    def forged(url: str) -> str:
        return url.replace("state=", "state=x")

    where, browser = directory(cloud.url), Browser(forged)
    assert where
    assert sign_in(cloud.url, where, browser, 20).identity in cloud.valid
    first, second = browser.done()
    assert first.status_code == 400
    assert second.status_code == 200


def test_a_refused_sign_in_says_why_and_keeps_nothing(cloud: FakeCloud) -> None:
    cloud.refuse_user = True
    where = directory(cloud.url)
    assert where
    with pytest.raises(SignInFailed, match="User is disabled"):
        sign_in(cloud.url, where, Browser(), 20)
    assert kept(cloud.url) is None


def test_nobody_signing_in_ends_with_words(cloud: FakeCloud) -> None:
    where = directory(cloud.url)
    assert where
    with pytest.raises(SignInFailed, match="Nobody signed in"):
        sign_in(cloud.url, where, lambda _: None, 0.2)


def test_a_taken_port_is_told(cloud: FakeCloud) -> None:
    where = directory(cloud.url)
    assert where
    with socket.create_server(("127.0.0.1", signin.PORT)), pytest.raises(WrongState, match="is taken"):
        sign_in(cloud.url, where, Browser(), 1)


def test_a_sign_in_service_without_https_is_refused(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        signin, "_asked", lambda *_, **__: {"auth": {"authorize": "http://evil.example", "token": "https://x"}}
    )
    with pytest.raises(SignInFailed, match="not https"):
        directory(cloud.url)


def test_commands_use_the_sign_in_and_without_one_say_how_to_get_it(
    cloud: FakeCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    remember(Known("docs", cloud.url))
    assert main(["--flock", "docs", "status"]) == exits.ERROR
    assert "murmur login" in capsys.readouterr().err
    signed_in(cloud)
    assert main(["--flock", "docs", "status", "--json"]) == exits.OK
    assert json.loads(capsys.readouterr().out)["state"] == "stopped"
    assert main(["status", "--flock", "docs"]) == exits.OK


def test_a_token_that_has_run_out_is_renewed_before_it_is_used(cloud: FakeCloud) -> None:
    cloud.expires_in = 30  # within the minute that counts as over
    first = signed_in(cloud)
    cloud.expires_in = 3600
    second = token_for(cloud.url)
    assert second != first
    assert second in cloud.valid
    assert cloud.forms[-1]["grant_type"] == "refresh_token"
    assert token_for(cloud.url) == second
    assert kept(cloud.url).refresh in cloud.refresh  # Cognito sends no new one: the old one is kept


def test_a_token_that_runs_out_during_a_command_is_renewed_once(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(cloud)
    where = target_of(cloud)
    with Client(where) as client:
        client.status()
        cloud.valid.clear()
        now = time.time() + 7200
        monkeypatch.setattr(signin.time, "time", lambda: now)
        assert client.status()["state"] == "stopped"
    assert [form["grant_type"] for form in cloud.forms] == ["authorization_code", "refresh_token"]


def target_of(cloud: FakeCloud) -> Target:
    return target(Namespace(url=cloud.url, flock="", home=None))


def test_a_refresh_that_is_refused_asks_to_sign_in_again_and_forgets(cloud: FakeCloud) -> None:
    cloud.expires_in = 30
    signed_in(cloud)
    cloud.refresh.clear()
    with pytest.raises(SignInFailed, match="run out") as caught:
        token_for(cloud.url)
    assert "murmur login" in caught.value.remedy
    assert kept(cloud.url) is None


def test_a_live_view_finds_the_socket_where_the_settings_say_and_opens_it_with_a_ticket(cloud: FakeCloud) -> None:
    signed_in(cloud)
    with Client(target_of(cloud)) as client, closing(follow(client)) as feed:
        deadline = time.monotonic() + 20
        while not feed.live and time.monotonic() < deadline:
            feed.update(0.2)
        assert feed.live
    assert len(cloud.opened) == 1


def test_signing_out_makes_the_sign_in_worthless(cloud: FakeCloud, capsys: pytest.CaptureFixture[str]) -> None:
    remember(Known("docs", cloud.url))
    signed_in(cloud)
    assert main(["logout", "--flock", "docs"]) == exits.OK
    assert not cloud.refresh
    assert kept(cloud.url) is None
    assert main(["logout"]) == exits.OK
    assert "nobody was signed in" in capsys.readouterr().out


def test_the_verb_signs_in_remembers_the_name_and_prints_the_page(
    cloud: FakeCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser()
    monkeypatch.setattr("webbrowser.open", browser)
    assert main(["login", "--url", f"{cloud.url}/", "--flock", "docs"]) == exits.OK
    browser.done()
    said = capsys.readouterr()
    assert "murmur --flock docs status" in said.out
    assert f"{cloud.url.removesuffix('/app')}/oauth2/authorize" in said.err
    assert recall("docs").url == cloud.url
    assert not [token for token in cloud.valid if token in said.out + said.err]


def test_a_name_wins_over_a_home_and_contradicts_an_address(cloud: FakeCloud) -> None:
    remember(Known("docs", cloud.url))
    assert (
        target(Namespace(url="", flock="docs", home=Path(".murmur"))).url == cloud.url
    )  # `murmur run` always has a home
    assert main(["status", "--flock", "docs", "--url", cloud.url]) == exits.USAGE


def test_a_flock_nobody_knows_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str], cloud: FakeCloud) -> None:
    remember(Known("docs", cloud.url))
    assert main(["--flock", "dosc", "status"]) == exits.ERROR
    assert "it knows: docs" in capsys.readouterr().err
    assert main(["--flock", "../evil", "status"]) == exits.USAGE


def test_a_sign_in_of_another_flock_is_not_sent(cloud: FakeCloud) -> None:
    signed_in(cloud)
    other = cloud.url.replace("/app", "/other")
    assert kept(other) is None
    assert token_for(other) == ""


def test_the_callback_is_the_one_the_stack_registers() -> None:
    assert 'CLI_CALLBACK: Final = "http://localhost:8976/callback"' in (ROOT / "cdk/auth.py").read_text()
    assert urlsplit("http://localhost:8976/callback").port == 8976
    source = (ROOT / "murmur/cli/signin.py").read_text()
    assert "PORT: Final = 8976" in source


def test_the_listener_answers_on_loopback_only(cloud: FakeCloud) -> None:
    with signin._Callback("state") as callback:
        assert callback.server_address[0] == "127.0.0.1"
