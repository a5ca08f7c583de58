"""One ACP session of the model brain: its tools, and the turn that runs in it, in an event loop of the turn's own thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from agent.brains.mcp.errors import ServerUnreachable
from agent.brains.mcp.toolbox import Server, Toolbox
from agent.brains.model.credentials import borrow
from agent.brains.model.dialect import Dialect
from agent.brains.model.failure import ModelFailure, key_remedy
from agent.brains.model.settings import BrainSettings, key_missing
from agent.brains.model.turn import ModelTurn
from agent.brains.session import INTERNAL, Cancelled, Card, Ending, RpcError, Tell
from murmur.errors import InvalidInput

CARD: Final = Card("murmur-model", "Model brain", "1")
WRONG_SETUP: Final = "_murmur/wrong_setup"
_NEEDED: Final = frozenset({"broadcast"})
_AUTHENTICATION_REQUIRED: Final = -32000

Prepare = Callable[[], tuple[BrainSettings, Dialect]]


def prepare() -> tuple[BrainSettings, Dialect]:
    """What the environment asks for. Raises InvalidInput, ModelFailure. An endpoint's library is loaded only if it is used."""
    settings = BrainSettings.from_environment(os.environ)
    if key_missing(settings):
        raise ModelFailure("OpenAI's own endpoint wants a key.", key_remedy(settings), key_refused=True)
    if settings.model.maker == "bedrock":
        os.environ.update(borrow(os.environ))
        from agent.brains.model.bedrock import Converse  # noqa: PLC0415

        return settings, Converse(settings, os.environ)
    from agent.brains.model.openai import ChatCompletions  # noqa: PLC0415

    return settings, ChatCompletions(settings)


class ModelSession:
    """A session (``agent.brains.session``) whose turns are a model's."""

    def __init__(self, servers: Sequence[Server], prepare: Prepare) -> None:
        self._prepare = prepare
        self._toolbox = Toolbox(servers, CARD.name, CARD.version)
        self._lock = threading.Lock()
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Ending] | None = None
        self.busy = False

    def connect(self) -> None:
        """See ``Session.connect``."""
        self._toolbox.open(_NEEDED)

    def begin(self) -> None:
        """See ``Session.begin``."""
        self._stopped = False
        self.busy = True

    def run(self, prompt: str, tell: Tell) -> Ending:
        """See ``Session.run``. A failure of the model becomes an error that Murmur's runner understands."""
        try:
            settings, dialect = self._prepare()
            self.connect()
            turn = ModelTurn(settings, dialect, self._toolbox, tell, Random())
            return asyncio.run(self._cancellable(turn, prompt))
        except asyncio.CancelledError:
            raise Cancelled("The turn was cancelled.", "") from None
        except InvalidInput as error:
            raise _told(ModelFailure(error.message, error.remedy, fatal=True), tell) from error
        except ModelFailure as failure:
            raise _told(failure, tell) from failure
        except ServerUnreachable as error:
            if self._stopped:  # A call that failed because it was cut off is a cancelled turn, not a dead server.
                raise Cancelled("The turn was cancelled.", "") from error
            raise
        finally:
            self.disconnect()

    def cancel(self) -> None:
        """See ``Session.cancel``."""
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._toolbox.abort()

    def disconnect(self) -> None:
        """See ``Session.disconnect``."""
        self._toolbox.close()

    async def _cancellable(self, turn: ModelTurn, prompt: str) -> Ending:
        task = asyncio.create_task(turn.take(prompt))
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), task
            if self._stopped:
                task.cancel()
        try:
            return await task
        finally:
            with self._lock:
                self._loop = self._task = None


def _told(failure: ModelFailure, tell: Tell) -> RpcError:
    """The failure as an answer. What no further turn can mend is said aside as well, where the runner takes it for fatal."""
    words = str(failure).rstrip(".")  # the runner makes a sentence of it
    if failure.key_refused:
        return RpcError(_AUTHENTICATION_REQUIRED, words)
    if failure.fatal:
        tell.note(WRONG_SETUP, {"message": words})
    data = {"retryAfter": failure.retry_after_seconds} if failure.retry_after_seconds else None
    return RpcError(INTERNAL, words, data)
