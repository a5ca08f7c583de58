"""One host: finds out which agents live here and runs a loop for each, with one warm tool server between them.

Started as ``python -m agent.host``. The environment says which flock (murmur.settings), which run (``MURMUR_RUN``) and which place
in the roster (``MURMUR_HOST``); on an EC2 instance, which knows both itself, they are left out. It ends by SIGTERM, or when its run is over:
then with status 0, and need not be started again. With ``MURMUR_LEASH`` set, whoever started it holds its
standard input: the first line there is more environment, as JSON, and its end means that the starter is gone and the host ends, too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from random import Random
from typing import Final

from agent.keeper import keep_alive
from agent.lease import Lease, Over
from agent.loop import ASKED, AgentLoop
from agent.reader import SharedReader
from agent.runner.kinds import runner_named
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile
from agent.tools.server import ToolServer
from agent.vitals import SILENT, EmfVitals, Vitals
from murmur.aws.adapters import Adapters, open_adapters
from murmur.aws.whereabouts import find_place
from murmur.clock import SystemClock
from murmur.errors import MurmurError, NotFound
from murmur.roster import Roster, read_roster
from murmur.settings import Settings

HASTE_SECONDS: Final = 5.0
"""How long a host whose starter is gone may take to end in good order: what it would write to is most likely gone as well."""
_log = logging.getLogger(__name__)


class Host:
    """The agents of one place in the roster."""

    def __init__(self, adapters: Adapters, roster: Roster, name: str, profile: RunnerProfile, home: Path) -> None:
        self._adapters = adapters
        self._roster = roster
        self._name = name
        self._profile = profile
        self._home = home
        self._clock = SystemClock()
        self._random = Random()
        self._tools = ToolServer()
        self._reader = SharedReader(adapters.store)
        self._loops: dict[int, AgentLoop] = {}
        self._vitals: Vitals = SILENT
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run every agent of this host until each has ended."""
        agents = self._roster.hosts.get(self._name, ())
        if not agents:
            raise NotFound(
                f"{self._name} has no agents in run {self._roster.run}.", "Check MURMUR_HOST against roster.json."
            )
        await self._tools.start()
        try:
            async with asyncio.TaskGroup() as host, self._told_of():
                lease = Lease(self._adapters.store, self._clock, self._roster.run, self._roster.config.leaseMinutes)
                watching = host.create_task(lease.watch(self.stop), name="lease")
                async with asyncio.TaskGroup() as group:
                    for agent in agents:
                        kept = keep_alive(agent, partial(self._make, agent), self._stopping)
                        group.create_task(kept, name=f"agent-{agent}")
                watching.cancel()
        finally:
            await self._tools.stop()

    @asynccontextmanager
    async def _told_of(self) -> AsyncIterator[None]:
        """While inside, tell of the agents' health, if anybody listens: lines of EMF on standard output."""
        if not os.environ.get("MURMUR_EMF"):
            yield
            return
        flock = os.environ.get("MURMUR_FLOCK", "murmur")
        vitals = self._vitals = EmfVitals(flock, self._name, self._clock, partial(print, flush=True))
        watching = asyncio.create_task(vitals.watch(), name="vitals")
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    def stop(self, over: Over = ASKED) -> None:
        """Ask every agent to end."""
        self._stopping.set()
        for loop in self._loops.values():
            loop.stop(over)

    def _make(self, agent: int) -> AgentLoop:
        loop = self._loops[agent] = self._loop(agent)
        return loop

    def _loop(self, agent: int) -> AgentLoop:
        run = self._roster.run
        mind = AcpMind(
            self._profile,
            self._tools,
            self._home / f"agent-{agent}",
            model=self._roster.config.model,
            random=self._random,
        )
        return AgentLoop(
            store=self._adapters.store,
            reader=self._reader,
            inbox=self._adapters.fabric.inbox(run, agent),
            clock=self._clock,
            random=self._random,
            mind=mind,
            agent=agent,
            size=self._roster.size,
            run=run,
            host=self._name,
            vitals=self._vitals,
        )


async def main() -> int:
    """Run the host; returns the exit status."""
    adapters = open_adapters(Settings.from_environment())
    run, name = await _place()
    roster = await read_roster(adapters.store)
    if roster is None or roster.run != run:
        _log.warning("run %r is not the run of roster.json: this host is a left-over, and ends", run)
        return 0
    base = os.environ.get("MURMUR_AGENT_HOME") or tempfile.mkdtemp(prefix="murmur-")
    host = Host(adapters, roster, name, runner_named(roster.config.runner), Path(base))
    living = asyncio.ensure_future(host.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, host.stop)
    if os.environ.get("MURMUR_LEASH"):
        loop.add_reader(sys.stdin.fileno(), _leash(loop, host, living))
    await asyncio.wait({living})
    if not living.cancelled():
        living.result()
    return 0


async def _place() -> tuple[str, str]:
    """The run and the place in its roster: as the environment says, else as this instance's launch says. Raises NotFound, Unavailable."""
    run, name = os.environ.get("MURMUR_RUN", ""), os.environ.get("MURMUR_HOST", "")
    if name:
        return run, name
    place = await asyncio.to_thread(find_place)
    return run or place.run, place.host


def _leash(loop: asyncio.AbstractEventLoop, host: Host, living: asyncio.Task[None]) -> Callable[[], None]:
    def on_input() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            _log.warning("whoever started this host is gone; it ends")
            host.stop()
            loop.call_later(HASTE_SECONDS, living.cancel)

    return on_input


def _told() -> bool:
    """Read the first line of the leash into the environment; False if the starter went before it came."""
    line = sys.stdin.buffer.raw.readline() if isinstance(sys.stdin.buffer, BufferedReader) else b""
    if not line.endswith(b"\n"):
        return False
    os.environ.update(json.loads(line))
    return True


if __name__ == "__main__":
    if os.environ.get("MURMUR_LEASH") and not _told():
        sys.exit(0)
    for chatty in ("mcp", "botocore", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.basicConfig(
        level=os.environ.get("MURMUR_LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        status = asyncio.run(main())
    except MurmurError as error:
        _log.error("%s", error)
        status = 1
    sys.exit(status)
