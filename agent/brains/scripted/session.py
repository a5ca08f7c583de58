"""One ACP session of the process: its MCP connections, and the turn that runs in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from agent.brains.mcp.errors import ServerUnreachable, ToolRefused
from agent.brains.mcp.toolbox import Server, Toolbox
from agent.brains.scripted.facts import parse_facts
from agent.brains.scripted.report import Report
from agent.brains.scripted.turn import take_turn
from agent.brains.session import Cancelled, Card, Ending, Tell
from murmur.errors import InvalidInput

CARD: Final = Card("murmur-scripted", "Scripted brain (no model)", "1")
_NEEDED: Final = frozenset({"fs_read", "fs_write", "fs_list", "broadcast"})
T = TypeVar("T")


class Behaviour(NamedTuple):
    """What the command line says. ``think_seconds`` stands in for the time a model would take."""

    think_seconds: float = 0.0
    seed: int = 0


class ScriptedSession:
    """A session (``agent.brains.session``) whose turns are the scripted ones."""

    def __init__(self, servers: Sequence[Server], behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._toolbox = Toolbox(servers, CARD.name, CARD.version)
        self._stop = threading.Event()
        self.busy = False

    def connect(self) -> None:
        """See ``Session.connect``."""
        self._toolbox.open(_NEEDED)

    def begin(self) -> None:
        """See ``Session.begin``."""
        self._stop.clear()
        self.busy = True

    def run(self, prompt: str, tell: Tell) -> Ending:
        """See ``Session.run``. Raises ToolRefused if the broadcast was refused, ServerUnreachable."""
        try:
            self.connect()
            if self._stop.wait(self._behaviour.think_seconds):
                self._check()
            report = drive(self._turn(prompt, tell))
        except ServerUnreachable:
            self._check()  # A call that failed because it was cut off is a cancelled turn, not a dead server.
            raise
        finally:
            self.disconnect()
        tell.said(f"{report.action}: {report.result}. Next: {report.next_intent}.")
        return Ending()

    def cancel(self) -> None:
        """See ``Session.cancel``."""
        self._stop.set()
        self._toolbox.abort()

    def disconnect(self) -> None:
        """See ``Session.disconnect``."""
        self._toolbox.close()

    def _check(self) -> None:
        if self._stop.is_set():
            raise Cancelled("The turn was cancelled.", "")

    async def _turn(self, prompt: str, tell: Tell) -> Report:
        tools = _SessionTools(self._toolbox, self._check, tell)
        try:
            facts = parse_facts(prompt)
        except InvalidInput as error:
            report = Report(
                "did nothing", f"{error.message} {error.remedy}", "idle until a prompt names the agent", idle=True
            )
            await report.say(tools)
            return report
        return await take_turn(tools, facts, seed=self._behaviour.seed)


class _SessionTools:
    """The session's MCP tools as ``Tools``. A call blocks its thread and never suspends, so ``drive`` can run it."""

    def __init__(self, toolbox: Toolbox, check: Callable[[], None], tell: Tell) -> None:
        self._toolbox = toolbox
        self._check = check
        self._tell = tell

    async def call(self, tool: str, **arguments: str | int) -> str:
        """See ``Tools.call``."""
        self._check()
        target = str(arguments.get("path", arguments.get("prefix", "")))
        try:
            text = self._toolbox.call(tool, arguments)
        except ToolRefused:
            self._tell.called(tool, target, False)
            raise
        self._tell.called(tool, target, True)
        return text


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends to its end, without an event loop (asyncio would double this process)."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("the turn waited for something that is not there")
