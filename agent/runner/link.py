"""A live agent: its process, the wire to it, what it said it can do. Requests end in an answer or an AgentFailure, never in silence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from acp import PROTOCOL_VERSION, RequestError
from acp.connection import Connection
from acp.schema import ClientCapabilities, FileSystemCapabilities, Implementation, InitializeRequest
from acp.utils import serialize_params

from agent.runner.client import Client
from agent.runner.failure import AgentFailure, refusal_of
from agent.runner.limits import Limits
from agent.runner.process import AgentProcess
from agent.runner.profile import RunnerProfile
from agent.runner.wire import Wire

_DRAIN_SECONDS: Final = 0.5
"""Pipes and processes end in either order: how long the one is waited for after the other."""


class Link:
    """One initialised agent process. Make it with ``open``; one turn at a time."""

    def __init__(self, process: AgentProcess, profile: RunnerProfile, limits: Limits) -> None:
        self.process = process
        self.client = Client(profile.hear, profile.allows)
        self.wire = Wire(
            process.stdout, process.stdin, write_seconds=limits.write_seconds, line_bytes=limits.line_bytes
        )
        self.turns = 0
        self.lists_late = False
        """Whether it was seen to list the tools only after the prompt: then waiting before it is in vain."""
        self.speaks_http = False
        self.closes_sessions = False
        self.profile = profile
        self._limits = limits
        self._connection = Connection(self.client.handle, self.wire)

    @classmethod
    async def open(
        cls,
        profile: RunnerProfile,
        environment: Mapping[str, str],
        home: Path,
        limits: Limits,
        seconds: float,
        *,
        model: str = "",
    ) -> Self:
        """Start the command and shake hands within ``seconds``. Raises AgentFailure."""
        secrets = profile.secrets(environment)
        process = await AgentProcess.start(
            profile.argv(model), environment, home, secrets=secrets, remedy=profile.remedy
        )
        link = cls(process, profile, limits)
        try:
            await link._shake_hands(min(seconds, limits.start_seconds))
        except BaseException:
            await link.close(graceful=False)
            raise
        return link

    @property
    def alive(self) -> bool:
        """Whether another turn can be tried on it."""
        return not (self.process.exited.is_set() or self.wire.broken or self.wire.ended)

    @property
    def worn(self) -> bool:
        """Whether it is due to be replaced: many turns, or much memory."""
        if self.turns >= self._limits.recycle_turns:
            return True
        # Looking walks the machine's process table, so not after every turn.
        return self.turns % self._limits.rss_every_turns == 0 and self.process.rss_bytes() > self._limits.rss_bytes

    def begin(self, method: str, params: Mapping[str, Any]) -> asyncio.Task[Any]:
        """Send a request; the task ends with the raw result, or an error to be told by ``failure``."""
        return asyncio.create_task(self._connection.send_request(method, dict(params)))

    async def request(self, method: str, params: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and await its answer. Raises AgentFailure (``stalled`` when ``seconds`` pass)."""
        work = self.begin(method, params)
        try:
            if not await self.settled(work, seconds):
                raise AgentFailure(
                    "stalled", f"The agent did not answer {method} within {seconds:.0f} s.{self.aside()}"
                )
            return await self.result_of(work, method)
        finally:
            await dismiss(work)

    async def settled(self, work: asyncio.Task[Any], seconds: float) -> bool:
        """Wait for a task to end, at most ``seconds``. Raises AgentFailure ``died`` if the process ends first, and it does not."""
        gone = asyncio.create_task(self.process.exited.wait())
        try:
            await asyncio.wait([work, gone], timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
            if work.done() or not gone.done():
                return work.done()
            await asyncio.wait([work], timeout=_DRAIN_SECONDS)
            if not work.done():
                raise AgentFailure("died", f"{self.process.obituary()}.")
            return True
        finally:
            await dismiss(gone)

    async def result_of(self, work: asyncio.Task[Any], method: str) -> dict[str, Any]:
        """The answer of a request that has ended. Raises AgentFailure for an error, or for no object."""
        try:
            result = work.result()
        except RequestError as error:
            raise refusal_of(
                error,
                method,
                self.client.warning,
                rate_limited=self.client.rate_limited,
                retry_after_seconds=self.client.retry_after_seconds,
            ) from None
        except (ConnectionError, asyncio.CancelledError):
            raise await self._severed() from None
        if not isinstance(result, dict):
            raise AgentFailure(
                "error", f"The agent answered {method} with {type(result).__name__}, not an object.", lost=False
            )
        return result

    async def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification; a broken wire is no error here, the caller is about to find out."""
        with contextlib.suppress(ConnectionError):
            await self._connection.send_notification(method, dict(params))

    async def end_session(self, session: str) -> None:
        """Tell the agent that the session is over, where it has a way to be told. What it answers changes nothing."""
        if self.profile.terminate_method:
            method = self.profile.terminate_method
        elif self.closes_sessions:
            method = "session/close"
        else:
            return
        work = self.begin(method, {"sessionId": session})
        try:
            with contextlib.suppress(AgentFailure):
                await self.settled(work, self._limits.exit_seconds)
        finally:
            await dismiss(work)

    async def close(self, *, graceful: bool = True) -> None:
        """End the connection and the process with everything it started."""
        try:
            await self._connection.close()
        finally:
            await self.process.end(self._limits.exit_seconds if graceful else 0.0)

    def aside(self) -> str:
        """What the agent printed where messages belong, or on stderr, as a sentence to add; "" if nothing."""
        if self.wire.garbage:
            return f" It printed: {self.wire.garbage}."
        words = self.process.last_words()
        return f" It said: {words}." if words else ""

    async def _severed(self) -> AgentFailure:
        if self.wire.broken:
            return AgentFailure("died", f"The agent process cannot be talked to: {self.wire.broken}.{self.aside()}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.process.exited.wait()
        return AgentFailure("died", f"{self.process.obituary()}.")

    async def _shake_hands(self, seconds: float) -> None:
        hello = InitializeRequest(
            protocol_version=PROTOCOL_VERSION,
            client_capabilities=ClientCapabilities(fs=FileSystemCapabilities(), terminal=False),
            client_info=Implementation(name="murmur", version="1"),
        )
        answer = await self.request("initialize", serialize_params(hello), seconds)
        if answer.get("protocolVersion") != PROTOCOL_VERSION:
            raise AgentFailure(
                "error",
                f"The agent speaks ACP version {str(answer.get('protocolVersion'))[:20]}, Murmur speaks {PROTOCOL_VERSION}.",
                "Install a version of the agent that speaks it.",
                fatal=True,
            )
        abilities = _object(answer.get("agentCapabilities"))
        self.speaks_http = _object(abilities.get("mcpCapabilities")).get("http") is True
        self.closes_sessions = _object(abilities.get("sessionCapabilities")).get("close") is not None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


async def dismiss(task: asyncio.Task[Any]) -> None:
    """End a task nobody waits for any more, and take its error so that it is not reported as lost."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
