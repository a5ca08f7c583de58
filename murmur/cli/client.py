"""The flock's REST API, as the command uses it: synchronous, a method a route, errors of ``murmur.errors`` only."""

from __future__ import annotations

import argparse
import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any, BinaryIO, Final, Self

import httpx

from murmur.cli.find import Target, Unreachable, is_loopback, target
from murmur.cli.text import clean
from murmur.errors import Conflict, MurmurError

TIMEOUT_SECONDS: Final = 30.0
PAGE: Final = 500
"""Rows asked for at once, where a route has pages."""
PART_BYTES: Final = 4_000_000
"""Bytes of a file asked for at once: what a deployed flock can send in one answer."""
_READ_AGAIN: Final = 3


class Answered(MurmurError):
    """The flock answered with an error. Remedy: the one it gave. ``status`` is the HTTP status, ``answer_code`` its code."""

    code = "answered"

    def __init__(self, status: int, answer_code: str, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.answer_code = answer_code


class Client:
    """One flock. Close it, or use it as a context manager. Safe to share between threads."""

    def __init__(self, where: Target, transport: httpx.BaseTransport | None = None) -> None:
        self.where = where
        self._http = httpx.Client(
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=5.0),
            auth=_Token(where) if where.token else None,
            transport=transport,
            trust_env=not is_loopback(where.url),  # a proxy must not see what stays on this machine
        )

    @classmethod
    def of(cls, args: argparse.Namespace) -> Self:
        """The flock the parsed arguments mean. Raises Unreachable, UsageError."""
        return cls(target(args))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **params: object) -> Any:
        """GET, decoded."""
        return self.call("GET", path, params=params)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        body: object = None,
        content: bytes | None = None,
    ) -> Any:
        """One request; ``body`` is sent as JSON, ``content`` as it is. Raises Unreachable, Answered."""
        headers = {"content-type": "application/octet-stream"} if content is not None else {}
        if body is not None:
            content, headers = json.dumps(body).encode(), {"content-type": "application/json"}
        try:
            response = self._http.request(
                method, self.where.url + path, params=_spelled(params), content=content, headers=headers
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        return self._read(response)

    def save(self, path: str, target: BinaryIO) -> int:
        """GET into an open file; returns the number of bytes. Raises Unreachable, Answered."""
        try:
            with self._http.stream("GET", self.where.url + path) as response:
                if response.status_code >= 300:
                    response.read()
                    self._read(response)
                return sum(target.write(chunk) for chunk in response.iter_bytes())
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def file(self, key: str, target: BinaryIO) -> int:
        """One file of output/ into an open file, in as many parts as it needs; returns its size.

        A file that changes meanwhile is read again from its beginning. Raises Unreachable, Answered, Conflict.
        """
        for _ in range(_READ_AGAIN):
            target.seek(0)
            target.truncate()
            size = self._parts(key, target)
            if size is not None:
                return size
        raise Conflict(f"{clean(key)!r} changes faster than it can be read.", "Stop the flock, then try again.")

    def _parts(self, key: str, target: BinaryIO) -> int | None:
        """The file's bytes; None if it changed on the way."""
        offset, version = 0, ""
        while True:
            params = _spelled({"key": key, "download": 1, "offset": offset, "length": PART_BYTES})
            try:
                response = self._http.get(self.where.url + "/cluster/habitat/file", params=params)
            except httpx.TransportError as error:
                raise self._unreachable(error) from error
            if response.status_code >= 300:
                self._read(response)
            found = response.headers.get("etag", "")
            if offset and found != version:
                return None
            version = found
            offset += target.write(response.content)
            if offset >= int(response.headers.get("murmur-size", offset)):
                return offset
            if not response.content:
                return None

    # ── routes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> dict[str, Any]:
        """The whole flock's state."""
        return self._object(self.get("/cluster/status"))

    def control(self, action: str, body: object = None) -> dict[str, Any]:
        """``start``, ``stop``, ``pause`` or ``resume``."""
        return self._object(self.call("POST", f"/cluster/{action}", body={} if body is None else body))

    def config(self, changes: object = None) -> dict[str, Any]:
        """The configuration, after laying ``changes`` over it if there are any."""
        if changes is None:
            return self._object(self.get("/cluster/config"))
        return self._object(self.call("PUT", "/cluster/config", body=changes))

    def direction(self, text: str | None = None) -> dict[str, Any]:
        """The goal, after setting it if ``text`` is given."""
        if text is None:
            return self._object(self.get("/cluster/direction"))
        return self._object(self.call("PUT", "/cluster/direction", body={"text": text}))

    def log(self, agent: int, after: int = -1) -> Iterator[dict[str, Any]]:
        """An agent's entries behind iteration ``after``, page by page."""
        while True:
            page = self._object(self.get(f"/cluster/agents/{agent}/log", after=after, limit=PAGE))
            entries = [entry for entry in page.get("entries", []) if entry.get("iteration", -1) > after]
            yield from entries
            if not page.get("more") or not entries:
                return
            after = entries[-1]["iteration"]

    def listing(self, path: str) -> Iterator[dict[str, Any]]:
        """The files of ``/cluster/habitat`` or ``/cluster/knowledge``, page by page."""
        after = ""
        while True:
            page = self._object(self.get(path, after=after))
            files = page.get("files", [])
            yield from files
            if not page.get("more") or not files or page.get("after", "") == after:
                return
            after = page.get("after") or files[-1]["key"]

    # ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, response: httpx.Response) -> Any:
        try:
            value = response.json() if response.content else {}
        except ValueError:
            value = None
        if response.status_code >= 400:
            raise _answered(response.status_code, value)
        if value is None or response.status_code >= 300:
            raise Answered(
                response.status_code,
                "not_murmur",
                f"What answers at {self.where.url} is not a flock's API (HTTP {response.status_code}).",
                "Check the address: it is the one the dashboard is opened with.",
            )
        return value

    def _object(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Answered(200, "not_murmur", f"{self.where.url} answered something unknown.", "Check the address.")
        return value

    def _unreachable(self, error: Exception) -> Unreachable:
        why = "it did not answer in time" if isinstance(error, httpx.TimeoutException) else clean(error, 200)
        remedy = "Check the address and that you are online."
        if self.where.home or is_loopback(self.where.url):
            remedy = "See whether `murmur up` is still running there; if not, start it again."
        return Unreachable(f"The flock at {self.where.url} cannot be reached: {why}.", remedy)


def _answered(status: int, value: Any) -> Answered:
    if isinstance(value, dict) and (value.get("message") or value.get("error")):
        message = clean(value.get("message") or value.get("error"), 2000)
        remedy = clean(value.get("remedy", ""), 1000) or (_let_in(status) if status in (401, 403) else "")
        return Answered(status, clean(value.get("code", "error"), 60), message, remedy)
    if status in (401, 403):
        return Answered(status, "unauthorised", f"The flock refused the request (HTTP {status}).", _let_in(status))
    return Answered(status, "error", f"The flock answered HTTP {status}.", "See the server's own output for why.")


class _Token(httpx.Auth):
    """The token with every request; one that ran out is renewed once, if it is of a sign-in that is kept.

    Cognito's go as they are, which is what API Gateway's own examples send; others as bearer tokens.
    """

    def __init__(self, where: Target) -> None:
        self._where = where
        self._token = where.token
        self._kind = "" if where.renewable else "Bearer "

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx asks here what to send, and hands back what came of it."""
        request.headers["authorization"] = self._kind + self._token
        response = yield request
        if response.status_code != 401 or not self._where.renewable:
            return
        from murmur.cli.signin import token_for  # noqa: PLC0415 - only where a token has run out

        fresh = token_for(self._where.url)
        if fresh and fresh != self._token:
            self._token = fresh
            request.headers["authorization"] = self._kind + fresh
            yield request


def _let_in(status: int) -> str:
    if status == 403:
        return "Sign in (`murmur login`), and see that your network is let in (`murmur allow-ip auto`)."
    return "Sign in with `murmur login`, or set MURMUR_TOKEN."


def _spelled(params: Mapping[str, object] | None) -> dict[str, str]:
    """Query parameters as text; empty ones are left out."""
    return {name: str(value) for name, value in (params or {}).items() if value != ""}
