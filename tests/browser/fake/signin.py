"""A pretended sign-in page, strict as Cognito is about PKCE: a code is good once, and only with the verifier it was asked for with."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.browser.fake.flock import FakeFlock

CLIENT = "client-1"


@dataclass
class FakeSignIn:
    """Signs everybody in. ``seconds`` is how long a token lasts; ``refuse_refresh`` ends sessions; ``holding`` keeps renewals waiting."""

    flock: FakeFlock
    seconds: int = 3600
    refuse_refresh: bool = False
    holding: asyncio.Event | None = None
    grants: list[str] = field(default_factory=list)
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _issued: int = 0

    def __post_init__(self) -> None:
        names = {name: f"/oauth2/{name}" for name in ("authorize", "token", "logout")}
        self.flock.settings = {
            "live": None,
            "aws": False,
            "auth": {**names, "client": CLIENT, "scope": "openid email"},
        }
        self.flock.routes = [Route(path, getattr(self, name), methods=["GET", "POST"]) for name, path in names.items()]
        self.flock.bearers = set()

    async def authorize(self, request: Request) -> Response:
        """The sign-in page, which asks nothing."""
        asked = request.query_params
        if asked["client_id"] != CLIENT or asked["code_challenge_method"] != "S256":
            return Response("refused", 400)
        if asked["redirect_uri"] != f"http://{request.headers['host']}/":
            return Response("unknown address", 400)
        code = secrets.token_hex(8)
        self._codes[code] = (asked["code_challenge"], asked["redirect_uri"])
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def token(self, request: Request) -> Response:
        """A code or a refresh token for new tokens."""
        form = dict(
            part.split("=", 1)
            for part in (await request.body()).decode().replace("%2F", "/").replace("%3A", ":").split("&")
        )
        self.grants.append(form["grant_type"])
        if form["grant_type"] == "refresh_token":
            if self.holding:
                await self.holding.wait()
            if self.refuse_refresh or form["refresh_token"] != "refresh-1":
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse(self._tokens())
        challenge, address = self._codes.pop(form["code"], ("", ""))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge or form["redirect_uri"] != address:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({**self._tokens(), "refresh_token": "refresh-1"})

    async def logout(self, request: Request) -> Response:
        """Back to the page."""
        return RedirectResponse(request.query_params["logout_uri"])

    def revoke(self) -> None:
        """No token that was given out is good any more."""
        self.flock.bearers = set()

    def _tokens(self) -> dict[str, object]:
        self._issued += 1
        token = f"id-{self._issued}"
        self.flock.bearers = {*(self.flock.bearers or ()), token}
        return {"id_token": token, "access_token": "a", "expires_in": self.seconds}
