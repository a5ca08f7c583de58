"""Signing in to a deployed flock: Cognito's code grant with PKCE through the browser, and the tokens that come of it.

The browser comes back to ``http://localhost:8976/callback``, which only this machine can reach; ``state`` says that it is an answer to this
question, the PKCE verifier that whoever has the code without it has nothing. Tokens lie in ``~/.config/murmur/sign-ins``, readable by this
user only, and are renewed when they run out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from murmur.cli.find import is_loopback
from murmur.cli.known import config_home, write_private
from murmur.cli.text import clean
from murmur.errors import Refused, Unavailable, WrongState

PORT: Final = 8976
CALLBACK: Final = f"http://localhost:{PORT}/callback"
WAIT_SECONDS: Final = 300.0
_EARLY_SECONDS: Final = 60.0
"""A token that runs out within this time is renewed before it is used."""
_TIMEOUT: Final = httpx.Timeout(20, connect=5)
_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><title>Murmur</title>"
    "<body style='font:16px system-ui;margin:4rem auto;max-width:30rem'><h1>{}</h1><p>{}</p>"
)


class SignInFailed(Refused):
    """Nobody is signed in. Remedy: run ``murmur login`` again; the message says what came back."""

    code = "sign_in_failed"


@dataclass(frozen=True, slots=True)
class Directory:
    """Where to sign in, from the flock's settings.json."""

    authorize: str
    token: str
    client: str
    scope: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that is kept. ``identity`` is Cognito's ID token, which the API asks for; it runs out at ``expires`` (seconds since 1970)."""

    url: str
    token_endpoint: str
    client: str
    identity: str
    refresh: str
    expires: float


def directory(url: str) -> Directory | None:
    """Where one signs in to the flock at ``url``; None if it asks for no sign-in. Raises Unavailable, SignInFailed."""
    value = _asked("GET", f"{url}/settings.json", what=f"{url}/settings.json")
    auth = value.get("auth")
    if not isinstance(auth, dict):
        return None
    found = Directory(*(str(auth.get(name, "")) for name in ("authorize", "token", "client", "scope")))
    for address in (found.authorize, found.token):
        if not address.startswith("https://") and not is_loopback(address):
            raise SignInFailed(
                f"{url} names {clean(address, 80)!r} to sign in at, which is not https.", "Check the address."
            )
    return found


def sign_in(url: str, where: Directory, browse: Callable[[str], object], wait_seconds: float = WAIT_SECONDS) -> SignIn:
    """Have the browser ask who it is, wait for the answer, and keep the tokens. Raises SignInFailed, WrongState, Unavailable."""
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": where.client,
        "redirect_uri": CALLBACK,
        "scope": where.scope,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with _Callback(state) as callback:
        browse(f"{where.authorize}?{urlencode(asked)}")
        code = callback.wait(wait_seconds)
    form = {
        "grant_type": "authorization_code",
        "client_id": where.client,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    answer = _asked("POST", where.token, form, what="the sign-in service")
    made = _signed_in(url, where.token, where.client, answer, "")
    _keep(made)
    return made


def token_for(url: str) -> str:
    """The token to send to the flock at ``url``, renewed if it has run out; "" if nobody is signed in there. Raises Unavailable."""
    found = kept(url)
    if found is None:
        return ""
    if found.expires - time.time() > _EARLY_SECONDS:
        return found.identity
    form = {"grant_type": "refresh_token", "client_id": found.client, "refresh_token": found.refresh}
    try:
        answer = _asked("POST", found.token_endpoint, form, what="the sign-in service")
        renewed = _signed_in(url, found.token_endpoint, found.client, answer, found.refresh)
    except SignInFailed as error:
        sign_out(url)
        raise SignInFailed("The sign-in has run out.", f"Sign in again: murmur login --url {url}") from error
    _keep(renewed)
    return renewed.identity


def revoke(url: str) -> bool:
    """Make the kept sign-in worthless and forget it; False if there was none. Raises Unavailable if Cognito cannot be told."""
    found = kept(url)
    if found is None:
        return False
    sign_out(url)
    if found.refresh:
        endpoint = found.token_endpoint.rsplit("/", 1)[0] + "/revoke"
        _asked("POST", endpoint, {"token": found.refresh, "client_id": found.client}, what="the sign-in service")
    return True


def sign_out(url: str) -> None:
    """Forget the tokens of the flock at ``url``."""
    _place(url).unlink(missing_ok=True)


def kept(url: str) -> SignIn | None:
    """The sign-in kept for ``url``, whether or not it still holds."""
    try:
        value = json.loads(_place(url).read_text("utf-8"))
        found = SignIn(**{name: value[name] for name in SignIn.__slots__})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.url == url and isinstance(found.expires, int | float) else None


def _place(url: str) -> Path:
    return config_home() / "sign-ins" / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"


def _keep(made: SignIn) -> None:
    write_private(_place(made.url), asdict(made))


def _signed_in(url: str, endpoint: str, client: str, answer: Mapping[str, Any], refresh: str) -> SignIn:
    identity, lasts = answer.get("id_token"), answer.get("expires_in", 3600)
    if not isinstance(identity, str) or not identity or not isinstance(lasts, int):
        raise SignInFailed("The sign-in service sent no token.", "Run `murmur login` again.")
    return SignIn(url, endpoint, client, identity, str(answer.get("refresh_token") or refresh), time.time() + lasts)


def _asked(method: str, address: str, form: Mapping[str, str] | None = None, *, what: str) -> dict[str, Any]:
    try:
        answer = httpx.request(method, address, data=form, timeout=_TIMEOUT, trust_env=not is_loopback(address))
        value = answer.json() if answer.content else {}
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"{what} cannot be reached: {clean(error, 200)}.", "Check the address and that you are online."
        ) from error
    except ValueError:
        value = None
    if answer.status_code >= 400:
        said = clean(value.get("error", ""), 100) if isinstance(value, dict) else ""
        raise SignInFailed(
            f"{what} answered HTTP {answer.status_code} {said}".rstrip() + ".", _remedy(answer.status_code)
        )
    if not isinstance(value, dict):
        raise SignInFailed(f"{what} answered something unknown.", "Check the address: it is the dashboard's.")
    return value


def _remedy(status: int) -> str:
    if status == 403:
        return "Your network may not be let in: `murmur allow-ip auto`."
    return "Run `murmur login` again."


class _Callback(HTTPServer):
    """Waits on this machine for the browser to come back with the code."""

    def __init__(self, state: str) -> None:
        self._state = state
        self.code = ""
        self.failure = ""
        try:
            super().__init__(("127.0.0.1", PORT), _Handler)
        except OSError as error:
            raise WrongState(
                f"Port {PORT} is taken, and the browser must come back to it.",
                "End what listens there, then try again.",
            ) from error

    def wait(self, seconds: float) -> str:
        """The code. Raises SignInFailed."""
        self.timeout = 0.5
        deadline = time.monotonic() + seconds
        while not self.code and not self.failure and time.monotonic() < deadline:
            self.handle_request()
        if self.failure:
            raise SignInFailed(f"The sign-in was refused: {self.failure}.", "Run `murmur login` again.")
        if not self.code:
            raise SignInFailed(
                f"Nobody signed in within {seconds:.0f} s.", "Run `murmur login` again, and open the address it prints."
            )
        return self.code

    def take(self, query: Mapping[str, list[str]]) -> bool:
        """Judge what the browser brought; False if it is no answer to our question."""
        given = {name: values[0] for name, values in query.items()}
        if not hmac.compare_digest(given.get("state", "").encode(), self._state.encode()):
            return False
        if given.get("code"):
            self.code = given["code"]
        else:
            self.failure = clean(given.get("error_description") or given.get("error") or "no code came", 200)
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is the browser's business; the next one may bring the code."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 5.0

    def do_GET(self) -> None:
        """The browser's return, or something else that found this port."""
        parts = urlsplit(self.path)
        server = cast("_Callback", self.server)
        if parts.path != "/callback" or not server.take(parse_qs(parts.query)):
            self._answer(400, "Not this", "This is not an answer to the sign-in that is going on.")
        elif server.failure:
            self._answer(200, "Not signed in", "The terminal says why. You may close this page.")
        else:
            self._answer(200, "Signed in", "Go back to the terminal. You may close this page.")

    def _answer(self, status: int, title: str, words: str) -> None:
        body = _PAGE.format(title, words).encode()
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """The code must not end up in a log."""
