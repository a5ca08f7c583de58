"""One turn on a live agent: a fresh session in a fresh folder, the tools offered, the prompt, the watch over it."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypedDict

from acp.schema import (
    EnvVariable,
    HttpHeader,
    HttpMcpServer,
    McpServerStdio,
    NewSessionRequest,
    PromptRequest,
    TextContentBlock,
)
from acp.utils import serialize_params

from agent.ports import TurnOutcome
from agent.runner.failure import AgentFailure, speaks_of_rate_limit, without
from agent.runner.limits import Limits
from agent.runner.link import Link, dismiss
from agent.tools import bridge
from agent.tools.catalogue import SERVER_NAME
from agent.tools.desk import Desk
from murmur.entry import Usage, one_line

_STOP_REASONS: Final = frozenset({"end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"})
_SHORT_TEXT: Final = 600
"""An error told as an ordinary answer is short; a model that writes about rate limits is not."""

_SAID: Final = 120
"""Characters of an agent's words that a failed turn's entry has room for."""

log = logging.getLogger(__name__)


class _Limited(TypedDict):
    rate_limited: bool
    retry_after_seconds: float


@dataclass(slots=True)
class Turn:
    """What a turn needs. ``deadline`` is on the loop's clock."""

    link: Link
    desk: Desk
    url: str
    token: str
    cwd: Path
    deadline: float
    limits: Limits
    prompted: bool = False
    """Whether the prompt was sent: before that, a turn can be begun anew without harm."""
    session: str = ""
    """The open session; empty if there is none."""

    async def run(self, prompt: str) -> TurnOutcome:
        """Run it to its end. Raises AgentFailure; the session is ended where the process lives on."""
        self.link.client.begin()
        self.link.turns += 1
        try:
            await self._open_session()
            await self._wait_for_tools()
            self._check_setup()
            return await self._prompt(prompt)
        except AgentFailure as failure:
            self._check_setup()
            if not failure.lost:
                await self._end_session()
            raise

    def _check_setup(self) -> None:
        """Raises AgentFailure, fatal, if the agent said that it cannot work as it is: a prompt to it would be wasted."""
        if why := self.link.client.wrong_setup:
            raise AgentFailure("error", f"The agent cannot work as it is set up: {why}.", fatal=True)

    async def _open_session(self) -> None:
        meta = dict(self.link.profile.session_meta) or None
        request = NewSessionRequest(cwd=str(self.cwd), mcp_servers=[self._tool_server()], field_meta=meta)
        seconds = min(self.limits.session_seconds, self._left())
        answer = await self.link.request("session/new", serialize_params(request), seconds)
        session = answer.get("sessionId")
        if not isinstance(session, str) or not session:
            raise AgentFailure("error", "The agent opened a session without an id.", lost=False)
        self.session = session
        for method, fields in self.link.profile.session_setup:
            await self._set_up(method, {**fields, "sessionId": session})

    async def _set_up(self, method: str, fields: dict[str, str]) -> None:
        """A request peculiar to this kind of agent. A version that does not know it works all the same, only not as well."""
        work = self.link.begin(method, fields)
        try:
            if await self.link.settled(work, min(self.limits.grace_seconds, self._left())):
                await self.link.result_of(work, method)
        except AgentFailure as failure:
            if failure.lost:
                raise
            log.info("agent-%d: %s was refused: %s", self.desk.agent, method, failure)
        finally:
            await dismiss(work)

    def _tool_server(self) -> HttpMcpServer | McpServerStdio:
        if self.link.speaks_http:
            bearer = HttpHeader(name="Authorization", value=f"Bearer {self.token}")
            return HttpMcpServer(type="http", name=SERVER_NAME, url=self.url, headers=[bearer])
        variables = {bridge.URL_VARIABLE: self.url, bridge.TOKEN_VARIABLE: self.token}
        return McpServerStdio(
            name=SERVER_NAME,
            command=sys.executable,
            args=["-I", str(Path(bridge.__file__).resolve())],
            env=[EnvVariable(name=name, value=value) for name, value in variables.items()],
        )

    async def _wait_for_tools(self) -> None:
        """Give the agent the chance to list the tools before it reads the prompt; some do so only after."""
        if self.link.lists_late:
            return
        contact = asyncio.create_task(self.desk.contacted.wait())
        listed = asyncio.create_task(self.desk.listed.wait())
        try:
            if await self.link.settled(contact, min(self.limits.contact_seconds, self._left())):
                await self.link.settled(listed, min(self.limits.list_seconds, self._left()))
        finally:
            await dismiss(contact)
            await dismiss(listed)

    async def _prompt(self, prompt: str) -> TurnOutcome:
        listed_before = self.desk.listed.is_set()
        request = PromptRequest(session_id=self.session, prompt=[TextContentBlock(type="text", text=prompt)])
        self.link.wire.last_heard = asyncio.get_running_loop().time()
        self.prompted = True
        work = self.link.begin("session/prompt", serialize_params(request))
        try:
            overdue = await self._watch(work)
            if overdue:
                await self._cancel(work, overdue)
            outcome = self._judge(await self.link.result_of(work, "the prompt"), overdue)
        finally:
            await dismiss(work)
        if self.desk.listed.is_set() and not listed_before:
            self.link.lists_late = True
        await self._end_session()
        return outcome

    async def _watch(self, work: asyncio.Task[Any]) -> str:
        """Wait for the answer. Returns "" when it came, ``timeout`` or ``stalled`` when it is not to be waited for any more."""
        loop = asyncio.get_running_loop()
        while True:
            silent_since = max(self.link.wire.last_heard, self.desk.last_call)
            silence_ends = silent_since + self.limits.idle_seconds
            if await self.link.settled(work, min(self.deadline, silence_ends) - loop.time()):
                return ""
            if loop.time() >= self.deadline:
                return "timeout"
            if max(self.link.wire.last_heard, self.desk.last_call) <= silent_since and loop.time() >= silence_ends:
                return "stalled"

    async def _cancel(self, work: asyncio.Task[Any], why: str) -> None:
        """Ask the agent to stop, and wait a grace. Raises AgentFailure if it does not: it is then killed."""
        self.link.client.cancelling = True
        await self.link.notify("session/cancel", {"sessionId": self.session})
        if not await self.link.settled(work, self.limits.grace_seconds):
            raise AgentFailure(why, f"{_OVERDUE[why]} It did not stop when asked, and was ended.{self.link.aside()}")

    def _judge(self, answer: dict[str, Any], overdue: str) -> TurnOutcome:
        self._check_setup()
        usage = self.link.client.usage(answer)
        reason = answer.get("stopReason")
        if overdue:
            detail = f"{_OVERDUE[overdue]} {self._last_said()}".strip()
            return TurnOutcome(overdue, usage=usage, detail=detail, **self._limited())
        if not isinstance(reason, str) or reason not in _STOP_REASONS:
            return TurnOutcome(
                "error", usage=usage, detail=f"The agent ended with an unknown stop reason {one_line(reason, 60)!r}."
            )
        if not self.desk.listed.is_set():
            detail = "The agent never listed the tools: it worked without them. Check that it allows MCP servers."
            return TurnOutcome("no_tools", usage=usage, detail=detail, **self._limited())
        if self.desk.said is None:
            detail = f"It ended ({reason}) without a broadcast. {self._last_said()}".strip()
            return TurnOutcome(reason, usage=usage, detail=detail, **self._limited())
        return TurnOutcome(reason, usage=usage)

    def _last_said(self) -> str:
        said = _end_of(without(self.link.client.text, self.link.process.secrets)) or self.link.client.warning
        return f"It said: {said}" if said else ""

    def _limited(self) -> _Limited:
        """Whether the provider asked to slow down: some agents answer its 429 with ``end_turn`` and the error as their text."""
        client, text = self.link.client, self.link.client.text
        limited = client.rate_limited or (
            len(text) <= _SHORT_TEXT and not self.desk.files and speaks_of_rate_limit(text)
        )
        return {"rate_limited": limited, "retry_after_seconds": client.retry_after_seconds if limited else 0.0}

    async def _end_session(self) -> None:
        session, self.session = self.session, ""
        if session:
            await self.link.end_session(session)

    def _left(self) -> float:
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


def _end_of(text: str) -> str:
    """The end of what an agent said: that is where an error stands, and a log line has room for no more."""
    flat = one_line(text[-2 * _SAID :], 2 * _SAID)
    return flat if len(flat) <= _SAID else f"…{flat[-_SAID:]}"


_OVERDUE: Final = {"timeout": "The turn took longer than allowed.", "stalled": "The agent fell silent."}


def usage_of(link: Link) -> Usage | None:
    """What a failed turn used as far as the agent told before it failed."""
    return link.client.usage({})
