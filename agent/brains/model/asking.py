"""One answer of the model over HTTP: streamed, watched for silence, asked for again where that may help."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import Final

import httpx

from agent.brains.mcp.client import Tool
from agent.brains.model.dialect import Dialect, Piece, Request
from agent.brains.model.failure import ModelFailure, brief, refused, unreachable
from agent.brains.model.settings import SMALLEST_WINDOW, BrainSettings
from agent.brains.model.talk import Answer, Talk
from agent.brains.session import Tell

RETRYING: Final = "_murmur/retrying"
_CONNECT_SECONDS: Final = 10.0
_WRITE_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_ATTEMPTS: Final = 12
_ERROR_BYTES: Final = 65_536
_SIGN_OF_LIFE_SECONDS: Final = 5.0


class Asker:
    """Asks one endpoint, for one turn. Cancelling the task closes the connection at once, and with it the model's work."""

    def __init__(self, settings: BrainSettings, dialect: Dialect, tell: Tell, random: Random) -> None:
        self._settings = settings
        self._dialect = dialect
        self._tell = tell
        self._random = random
        self._patience = settings.retry_seconds
        self._last_sign = time.monotonic()
        timeout = httpx.Timeout(settings.silence_seconds, connect=_CONNECT_SECONDS, write=_WRITE_SECONDS)
        plain = settings.model.base_url.startswith("http://")  # then nothing is verified, and no authority need be read
        self._http = httpx.AsyncClient(timeout=timeout, verify=False if plain else _certificates())

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def ask(self, talk: Talk, tools: Sequence[Tool]) -> Answer:
        """The next answer. Raises ModelFailure when asking (again) does not help, or takes longer than the turn's patience."""
        for attempt in range(_ATTEMPTS):
            try:
                return await self._once(self._dialect.request(talk, tools))
            except ModelFailure as failure:
                pause = self._pause(failure, attempt)
                if not failure.passing or pause > self._patience or attempt == _ATTEMPTS - 1:
                    raise
                self._patience -= pause
                told = {"message": failure.message, "delaySeconds": round(pause, 1)}
                self._tell.note(RETRYING, told)
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def ollama_window(self) -> int:
        """Tokens of the window in which Ollama runs the model at present; 0 if it is not loaded, or does not say."""
        model = self._settings.model
        try:
            answer = await self._http.get(f"{model.base_url.removesuffix('/v1')}/api/ps", timeout=_CONNECT_SECONDS)
            loaded = answer.json()["models"]
            found = [one["context_length"] for one in loaded if one["model"] in (model.name, f"{model.name}:latest")]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return 0  # an older version, or no Ollama after all: the first question to the model will tell
        return found[0] if found and isinstance(found[0], int) and found[0] >= SMALLEST_WINDOW else 0

    def _pause(self, failure: ModelFailure, attempt: int) -> float:
        """Full jitter, and never shorter than we were asked to wait."""
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**attempt)
        return failure.retry_after_seconds + self._random.uniform(0, longest)

    async def _once(self, request: Request) -> Answer:
        with self._told():
            async with self._http.stream(
                "POST", request.url, headers=dict(request.headers), content=request.body
            ) as response:
                if response.status_code != 200:
                    raise await self._refusal(response)
                reading = self._dialect.reading()
                async for chunk in response.aiter_bytes():
                    for piece in reading.feed(chunk):
                        self._show(piece)
            return reading.answer()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """HTTP's troubles in words of ours."""
        silence = self._settings.silence_seconds
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise unreachable(self._settings, error) from error
        except httpx.TimeoutException as error:
            raise ModelFailure(
                f"The model's endpoint was silent for {silence:g} seconds.",
                "A model that is still being loaded needs longer the first time; see the endpoint's own log.",
            ) from error
        except httpx.InvalidURL as error:
            raise ModelFailure(f"The model's address cannot be used: {error}.", fatal=True) from error
        except httpx.HTTPError as error:
            words = brief(error, 120) or type(error).__name__
            raise ModelFailure(f"The connection to the model broke off: {words}.", passing=True) from error

    async def _refusal(self, response: httpx.Response) -> ModelFailure:
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _ERROR_BYTES:
                break
        words = _words(body[:_ERROR_BYTES])
        return refused(self._settings, response.status_code, words, response.headers)

    def _show(self, piece: Piece) -> None:
        if piece.kind == "text":
            self._tell.said(piece.text)
        elif piece.kind == "thought":
            self._tell.thought(piece.text)
        elif time.monotonic() - self._last_sign < _SIGN_OF_LIFE_SECONDS:
            return
        else:
            self._tell.thought("…")  # a long file in the making: whoever watches for silence should know
        self._last_sign = time.monotonic()


def _words(body: bytes) -> str:
    """What an endpoint says about a refusal, in whichever of the usual shapes."""
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(text)
        for name in ("error", "message", "Message", "detail"):
            found = value.get(name) if isinstance(value, dict) else None
            if isinstance(found, dict):
                return " ".join(str(found[key]) for key in ("message", "code", "type") if found.get(key))
            if isinstance(found, str) and found:
                return found
    return text


@cache
def _certificates() -> ssl.SSLContext:
    """Read once a process; with every turn it would cost more than the rest of what we do ourselves."""
    return httpx.create_ssl_context()
