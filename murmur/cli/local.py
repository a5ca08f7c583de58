"""The door from the command to the flock of this machine: the Stack, its ports and its runners."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import shutil
import socket
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Final

from murmur.cli.find import running
from murmur.cli.parser import UsageError, nearest
from murmur.cli.screen import note
from murmur.errors import WrongState

if TYPE_CHECKING:
    from murmur.cli.hosting import Hosted

SERVER_LOG: Final = "server.log"


def stack(home: Path, *, port: int = 0, think_seconds: float = 0.0) -> AbstractAsyncContextManager[Hosted]:
    """A Stack over ``home``, not yet started. What the server has to say goes to ``server.log`` there."""
    _log_to(home)
    from murmur.local.stack import Stack  # noqa: PLC0415 - loads the whole house, which only up, run and doctor need

    made: AbstractAsyncContextManager[Hosted] = Stack(home, port=port, think_seconds=think_seconds)
    return made


def _log_to(home: Path) -> None:
    """The server's log: in a file, because the terminal belongs to the progress view. Raises UsageError."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = RotatingFileHandler(home / SERVER_LOG, maxBytes=5_000_000, backupCount=2)
    except OSError as error:
        raise UsageError(f"{home} cannot be used: {error.strerror}.", "Choose another folder with --home.") from error
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[file], level=logging.INFO, force=True)
    for chatty in ("httpx", "httpcore", "botocore", "websockets", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def require_idle(home: Path) -> None:
    """See that no server runs over ``home``. Raises WrongState."""
    found = running(home)
    if found is not None:
        raise WrongState(
            f"A flock already runs in {home} (process {found.pid}, {found.url}).",
            "Use it as it is, end it with Ctrl-C where it runs, or choose another --home.",
        )


def free_port(port: int) -> bool:
    """Whether a server can listen there, on this machine only."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def add_agent_command(parser: argparse._ActionsContainer) -> None:
    """``--agent-command`` and ``--agent-env``, for the verbs that start a server."""
    parser.add_argument(
        "--agent-command", metavar="COMMAND", help="an ACP agent of your own; config knows it as the runner 'custom'"
    )
    parser.add_argument(
        "--agent-env",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable of this environment that agent may see, such as its API key (repeatable)",
    )


def offer(command: str | None, passes: Sequence[str], runners: Sequence[str] = ()) -> None:
    """Let the server about to start know ``command`` as the runner ``custom``, and see that ``runners`` are here. Raises UsageError."""
    from agent.runner.kinds import CUSTOM_COMMAND, CUSTOM_PASSES  # noqa: PLC0415 - only where a server starts

    for name in runners:
        _check_runner(name, custom=command is not None)
    if command is not None:
        _check_command(command, passes)
        os.environ[CUSTOM_COMMAND] = command
        os.environ[CUSTOM_PASSES] = ",".join(passes)
    elif passes:
        raise UsageError("--agent-env goes with --agent-command.", "Give both, or neither.")


def _check_runner(name: str, *, custom: bool) -> None:
    from agent.runner.kinds import known_runners  # noqa: PLC0415 - see offer

    known = known_runners()
    if custom and name == "custom":
        return
    if name not in known:
        raise UsageError(f"There is no runner {name!r}.{nearest(name, known)}", "`murmur runners` lists them.")
    if not known[name].installed():
        raise UsageError(f"The runner {name!r} is not here: no {known[name].command[0]}.", known[name].remedy)
    if known[name].keys and not known[name].keys_optional and not known[name].key_found():
        note(f"{name}: none of {', '.join(known[name].keys)} is set; it may not be able to sign in.")


def _check_command(command: str, passes: Sequence[str]) -> None:
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"The agent command is not understood: {error}.", "Close every quote in it.") from error
    if not argv or shutil.which(argv[0]) is None:
        raise UsageError(f"There is no command {argv[0] if argv else ''!r}.", "Install it, or give its full path.")
    absent = [name for name in passes if name not in os.environ]
    if absent:
        raise UsageError(f"{absent[0]} is not set.", "Export it first, or leave its --agent-env away.")
