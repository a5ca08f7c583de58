"""``murmur up``: the server with its dashboard, in the foreground."""

from __future__ import annotations

import os
import sys
import threading
from argparse import Namespace
from pathlib import Path
from typing import Final

from murmur.cli import exits
from murmur.cli.brain import RUNNER, add_model_options, offer_model
from murmur.cli.client import Client
from murmur.cli.find import HOME_NAME, Target
from murmur.cli.hosting import host
from murmur.cli.local import add_agent_command, free_port, offer, require_idle, stack
from murmur.cli.parser import Parser, UsageError, add_json, natural, not_negative
from murmur.cli.screen import note, print_json, say
from murmur.cli.shapes import Status

EXAMPLES = """\
  murmur up
  murmur up --port 8080 --home ~/flocks/docs
  murmur up --model ollama:qwen3 --model-context 32768
  murmur up --agent-command "my-agent --acp" --agent-env MY_API_KEY

Stop it with Ctrl-C (a second Ctrl-C ends everything at once). Logs, output and history stay in the home
and are there again after the next `murmur up`.
"""
DEFAULT_PORT: Final = 7777


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--port", type=natural, help=f"of the dashboard and the API (default: {DEFAULT_PORT}, else a free one)"
    )
    parser.add_argument(
        "--home", type=Path, default=Path(HOME_NAME), help=f"where the state lies (default: {HOME_NAME})"
    )
    parser.add_argument(
        "--think", type=not_negative, default=0.0, metavar="SECONDS", help="let the scripted brain think so long"
    )
    parser.add_argument(
        "--runner",
        action="append",
        default=[],
        metavar="NAME",
        help="see that this runner is here before anything starts (repeatable; what is installed is offered anyway)",
    )
    parser.add_argument(
        "--model", metavar="ID", help="what the runner 'model' uses where the configuration names none: ollama:qwen3, …"
    )
    add_model_options(parser)
    add_agent_command(parser)
    add_json(parser)


def execute(args: Namespace) -> int:
    """Serve until Ctrl-C; 0 after a clean end."""
    home = args.home.expanduser().absolute()
    require_idle(home)
    port = _port(args.port)
    offer(args.agent_command, args.agent_env, args.runner)
    named = args.model or args.model_context or args.model_prices
    offer_model(RUNNER if named else None, args.model, args.model_context, args.model_prices)

    def serve(url: str, interrupt: threading.Event) -> int:
        if args.json:
            print_json({"url": url, "home": str(home), "pid": os.getpid()})
        else:
            say(f"dashboard  {url}\nstate      {home}\nstop       Ctrl-C")
            with Client(Target(url, home=home)) as client:
                found = Status.parse(client.status())
            if found.state != "stopped":
                say(f"run        {found.run} ({found.state}) is carried on; `murmur stop` ends it")
        sys.stdout.flush()
        interrupt.wait()
        note("stopping … (Ctrl-C again: at once)")
        return exits.OK

    note("starting …")
    return host(lambda: stack(home, port=port, think_seconds=args.think), "", serve)


def _port(wanted: int | None) -> int:
    if wanted is not None:
        if not 0 <= wanted <= 65_535:
            raise UsageError(f"{wanted} is no port.", "Ports are 1 to 65535; 0 takes any free one.")
        if wanted and not free_port(wanted):
            raise UsageError(f"Port {wanted} is taken.", "Name another --port, or leave it away to get a free one.")
        return wanted
    if free_port(DEFAULT_PORT):
        return DEFAULT_PORT
    note(f"Port {DEFAULT_PORT} is taken; another one is used.")
    return 0
