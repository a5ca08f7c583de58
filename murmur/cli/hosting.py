"""Running a Stack under a person's hands: the first Ctrl-C asks it to end, the second ends it at once.

The Stack lives on the event loop of the main thread; what uses it (``murmur run``'s engine) is synchronous and works in a
thread, watching an Event that the first Ctrl-C sets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, Protocol

from murmur.cli import exits

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILL_SECONDS: Final = 5.0


class Hosted(Protocol):
    """The part of ``murmur.local.stack.Stack`` that hosting needs, once it is entered."""

    url: str

    async def kill(self) -> None:
        """End every child at once."""


class Interrupts:
    """Counts the requests to end. ``asked`` is set by the first; the second ends the process, its children first."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.hosted: Hosted | None = None
        self.on_first: Callable[[], object] | None = None
        self._ending: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Take the signals. Called again after the server started, which may have taken them for itself."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._received)

    def _received(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            if self.on_first:
                self.on_first()
        elif self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        try:
            if self.hosted is not None:
                async with asyncio.timeout(_KILL_SECONDS):
                    await self.hosted.kill()
        finally:
            with contextlib.suppress(OSError):  # the terminal itself may be what went away
                sys.stderr.write("\x1b[?25h\n" if sys.stderr.isatty() else "")
                sys.stderr.flush()
            # No exit handlers: a thread may be inside a request that will never be answered.
            os._exit(exits.INTERRUPTED)


def host(
    stack: Callable[[], AbstractAsyncContextManager[Hosted]] | None,
    url: str,
    work: Callable[[str, threading.Event], int],
) -> int:
    """Call ``work`` in a thread with a flock's address and the Event of the first Ctrl-C; returns what it returns.

    ``stack`` makes the Stack to run meanwhile; None: the flock at ``url`` is somebody else's and stays.
    130 if Ctrl-C came while the Stack was starting. Raises what the Stack and ``work`` raise.
    """
    return asyncio.run(_host(stack, url, work))


async def _host(
    stack: Callable[[], AbstractAsyncContextManager[Hosted]] | None,
    url: str,
    work: Callable[[str, threading.Event], int],
) -> int:
    interrupts = Interrupts()
    async with AsyncExitStack() as exit_stack:
        interrupts.listen()
        if stack is not None:
            starting = asyncio.ensure_future(exit_stack.enter_async_context(stack()))
            interrupts.on_first = starting.cancel
            try:
                interrupts.hosted = await starting
            except asyncio.CancelledError:
                if not interrupts.asked.is_set():
                    raise
                return exits.INTERRUPTED
            finally:
                interrupts.on_first = None
            url = interrupts.hosted.url
            interrupts.listen()
        return await asyncio.to_thread(work, url, interrupts.asked)
