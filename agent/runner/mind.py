"""AcpMind: an agent process kept warm between turns, replaced when it is worn, broken or dead."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from agent.ports import TurnOutcome
from agent.runner.apart import folder, share
from agent.runner.environment import agent_environment
from agent.runner.failure import AgentFailure, without
from agent.runner.home import furnish
from agent.runner.limits import Limits
from agent.runner.link import Link
from agent.runner.profile import RunnerProfile
from agent.runner.turn import Turn, usage_of
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.entry import one_line

_REST_SECONDS: Final = 10.0
"""What a tool call still going on has to end when its turn is over."""
_EARLIEST_RECYCLING: Final = 0.75
"""Part of ``recycle_turns`` after which the first processes are replaced."""

log = logging.getLogger(__name__)


class AcpMind:
    """A Mind (agent/ports.py) over any agent that speaks ACP on stdio. One per agent; turns run one at a time."""

    def __init__(
        self,
        profile: RunnerProfile,
        tools: ToolServer,
        home: Path,
        *,
        model: str = "",
        environment: Mapping[str, str] | None = None,
        host_environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        random: Random | None = None,
    ) -> None:
        """``home`` becomes the process's HOME and holds its turns' folders. ``environment`` is added to what it gets anyway.

        ``model``: handed to the process in the profile's way; empty: the agent's own default.
        ``random`` spreads the replacing of worn processes, so that a flock does not restart all its agents at once.
        """
        self.scripted = profile.scripted
        self._profile = profile
        self._tools = tools
        self._home = home.resolve()
        self._host_environment = os.environ if host_environment is None else host_environment
        self._model = model
        self._additions = environment or {}
        self._limits = _spread(limits or Limits(), random or Random())
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The agent process; None while there is none."""
        return self._link.process.pid if self._link else None

    async def warm(self) -> None:
        """Start the process ahead of the first turn. A failure is kept for the turn to tell."""
        async with self._one_at_a_time:
            try:
                await self._linked(self._limits.start_seconds)
            except AgentFailure as failure:
                log.info("warming up %s: %s", self._profile.name, failure)

    async def run(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        """See ``Mind.run``: one turn, told as an outcome whatever the agent does."""
        outcome = await self._told(desk, prompt, timeout_seconds)
        secrets = self._profile.secrets(self._host_environment)
        return replace(outcome, detail=without(outcome.detail, secrets)) if outcome.detail else outcome

    async def _told(self, desk: Desk, prompt: str, timeout_seconds: float) -> TurnOutcome:
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        async with self._one_at_a_time:
            try:
                return await self._run(desk, prompt, deadline)
            except AgentFailure as failure:
                usage = usage_of(self._link) if self._link else None
                if failure.lost:
                    await self._drop()
                return failure.outcome(usage)
            except Exception as error:
                log.exception("agent-%d: the turn failed inside Murmur", desk.agent)
                await self._drop()
                return TurnOutcome("error", detail=one_line(f"Murmur's runner failed: {error!r}", 300))
            except asyncio.CancelledError:
                await self._drop()
                raise

    async def close(self) -> None:
        """End the agent process and everything it started. Idempotent."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        link, self._link = self._link, None
        if link is not None:
            await link.close()
        if self._retiring:
            await asyncio.wait(self._retiring)

    async def _run(self, desk: Desk, prompt: str, deadline: float) -> TurnOutcome:
        cwd = await asyncio.to_thread(self._fresh_folder, desk.iteration)
        token = self._tools.open(desk)
        try:
            outcome = await self._attempt(desk, prompt, token, cwd, deadline)
        finally:
            self._tools.close(token)
            await self._settle(desk)
            await asyncio.to_thread(shutil.rmtree, cwd, ignore_errors=True)
        if self._link is not None and (not self._link.alive or self._link.worn):
            self._retire()
        return outcome

    async def _attempt(self, desk: Desk, prompt: str, token: str, cwd: Path, deadline: float) -> TurnOutcome:
        while True:
            link = await self._linked(deadline - asyncio.get_running_loop().time())
            turn = Turn(link, desk, self._tools.url, token, cwd, deadline, self._limits)
            try:
                return await turn.run(prompt)
            except AgentFailure as failure:
                # A warm process may have died since its last turn, unnoticed; a new one deserves the prompt.
                if failure.stop_reason != "died" or turn.prompted or link.turns == 1 or self._closed:
                    raise
                await self._drop()

    async def _linked(self, seconds: float) -> Link:
        """A live process, started if there is none. Raises AgentFailure."""
        if self._closed:
            raise _closed()
        if self._link is not None and not self._link.alive:
            await self._drop()
        if self._retiring:
            await asyncio.wait(self._retiring)
        if self._link is None:
            if seconds <= 0:
                raise AgentFailure("timeout", "No time was left to start the agent.", lost=False)
            await asyncio.to_thread(self._prepare_home)
            environment = agent_environment(
                self._host_environment, self._profile, self._home, self._additions, self._model
            )
            self._link = await self._open(environment, seconds)
        return self._link

    async def _open(self, environment: Mapping[str, str], seconds: float) -> Link:
        self._opening = asyncio.create_task(
            Link.open(self._profile, environment, self._home, self._limits, seconds, model=self._model),
            name="murmur agent start",
        )
        try:
            return await self._opening
        except asyncio.CancelledError:
            if not self._closed:
                raise
            raise _closed() from None
        finally:
            self._opening = None

    async def _settle(self, desk: Desk) -> None:
        try:
            async with asyncio.timeout(_REST_SECONDS):
                await desk.at_rest()
        except TimeoutError:
            log.warning("agent-%d: a tool call outlived its turn", desk.agent)

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close(graceful=False)

    def _retire(self) -> None:
        """End the process in the background: the turn's entry need not wait for it, the next process does."""
        link, self._link = self._link, None
        if link is not None:
            task = asyncio.create_task(link.close())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    def _prepare_home(self) -> None:
        furnish(self._home, self._profile, self._host_environment, self._model)

    def _fresh_folder(self, iteration: int) -> Path:
        """An empty folder for a turn; what turns before it left behind (a killed host's, say) goes."""
        turns = self._home / "turns"
        shutil.rmtree(turns, ignore_errors=True)
        folder(turns)
        return share(Path(tempfile.mkdtemp(prefix=f"{iteration}-", dir=turns)))


def _spread(limits: Limits, random: Random) -> Limits:
    turns = round(limits.recycle_turns * random.uniform(_EARLIEST_RECYCLING, 1.0))
    return replace(limits, recycle_turns=max(1, turns))


def _closed() -> AgentFailure:
    return AgentFailure("cancelled", "The agent was closed.", lost=False)
