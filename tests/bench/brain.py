"""``python -m tests.bench.brain``: an ACP agent that does nothing but broadcast, and notes its own time.

It is served by the same code as the built-in brains, so what remains of a turn is what Murmur and the two protocols cost.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from agent.brains.acp import Agent, serve, write_all
from agent.brains.mcp.toolbox import Server, Toolbox
from agent.brains.session import Card, Ending, Tell

TIMES: Final = "MURMUR_BENCH_TIMES"
"""Names the file to which each turn adds a line: seconds of the turn that were the mind's own, its tool call not counted."""
CARD: Final = Card("murmur-bench", "Broadcasts and rests (no model)", "1")


class BenchSession:
    """See ``agent.brains.session.Session``."""

    def __init__(self, servers: tuple[Server, ...]) -> None:
        self._toolbox = Toolbox(servers, CARD.name, CARD.version)
        self.busy = False

    def connect(self) -> None:
        """See ``Session.connect``."""
        self._toolbox.open(frozenset({"broadcast"}))

    def begin(self) -> None:
        """See ``Session.begin``."""
        self.busy = True

    def run(self, prompt: str, tell: Tell) -> Ending:
        """One broadcast, of words that no turn before had."""
        began = time.perf_counter()
        self.connect()
        words = {"action": "made", "result": f"{time.time():.6f}", "next_intent": "the next", "state": "working"}
        calls = time.perf_counter()
        self._toolbox.call("broadcast", words)
        answered = time.perf_counter()
        self.disconnect()
        own = (time.perf_counter() - began) - (answered - calls)
        with Path(os.environ[TIMES]).open("a", encoding="utf-8") as times:
            times.write(f"{own:.6f}\n")
        return Ending()

    def cancel(self) -> None:
        """See ``Session.cancel``."""
        self._toolbox.abort()

    def disconnect(self) -> None:
        """See ``Session.disconnect``."""
        self._toolbox.close()


if __name__ == "__main__":
    sys.exit(serve(Agent(CARD, BenchSession, write_all)))
