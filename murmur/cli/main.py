"""The ``murmur`` command. A verb's module is imported only when that verb is called, so that ``murmur status`` is quick."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from typing import Final, Protocol, cast

from murmur.cli import exits
from murmur.cli.parser import Parser, UsageError, nearest
from murmur.errors import MurmurError

GROUPS: Final[dict[str, dict[str, str]]] = {
    "on this machine": {
        "up": "start the server and its dashboard, until Ctrl-C",
        "run": "one shot: give documents and a direction, get the results in a folder",
        "doctor": "check that everything a flock needs is here, and works",
        "runners": "which agents can think for a flock here, and what others are missing",
    },
    "the flock": {
        "status": "state of the flock and of every agent",
        "start": "start a run",
        "stop": "end the run",
        "pause": "let agents finish their turn, and take no other",
        "resume": "go on after a pause",
        "watch": "live view in the terminal",
        "mcp": "the flock as tools for your assistant (Kiro, Claude, Cursor)",
    },
    "what it is told": {
        "direction": "show or set the goal",
        "directive": "set or clear an extra instruction for one agent, or for those a filter names",
        "config": "show or change the configuration",
    },
    "on AWS": {
        "deploy": "put a flock into your own AWS account, or bring it up to date",
        "diff": "what `murmur deploy` would change, without changing it",
        "allow-ip": "let more networks reach a deployed flock",
        "login": "sign in to a deployed flock",
        "logout": "forget that sign-in",
        "destroy": "take a deployed flock away; its results stay unless told otherwise",
    },
    "beforehand": {
        "cost": "what a flock costs an hour on AWS, by size and packing",
        "simulate": "what events save over polling, for a flock of any size, in simulated time",
    },
    "what it did": {
        "logs": "what one agent did, turn by turn",
        "prompt": "what an agent would be told if it took a turn now",
        "files": "list, print, download what the flock produced",
        "queues": "what waits in the agents' inboxes, and what became of it",
        "history": "earlier runs",
        "analyse": "what a run was like: convergence, influence, duplicate work, idle time, tokens",
    },
}
VERBS: Final = {verb: about for group in GROUPS.values() for verb, about in group.items()}


class Verb(Protocol):
    """What the module of a verb offers."""

    EXAMPLES: str

    def arguments(self, parser: Parser) -> None:
        """Declare the verb's arguments."""

    def execute(self, args: Namespace) -> int:
        """Do it; returns the exit code. Raises MurmurError."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Never lets a trace out unless ``MURMUR_DEBUG=1``."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a locale without, say, an arrow gets a question mark, not an error
            stream.reconfigure(errors="replace")
    try:
        return _dispatch(words)
    except SystemExit as end:  # argparse leaves this way: 0 for --help, 2 for a wrong line
        return end.code if isinstance(end.code, int) else exits.USAGE
    except MurmurError as error:
        _debug()
        sys.stderr.write(f"murmur: {error.message}\n" + (f"  → {error.remedy}\n" if error.remedy else ""))
        return code_of(error)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return exits.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has had enough (`murmur logs 3 | head`): no error, and nothing more to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person sees words, never a trace
        _debug()
        sys.stderr.write(
            f"murmur: a fault of Murmur itself: {type(error).__name__}: {error}\n"
            "  → Run it again with MURMUR_DEBUG=1 and report what it prints.\n"
        )
        return exits.ERROR


def code_of(error: MurmurError) -> int:
    """The exit code an error ends the command with."""
    if isinstance(error, UsageError):
        return exits.USAGE
    return exits.UNREACHABLE if error.code == "unreachable" else exits.ERROR


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        if len(words) > 1 and words[1] in VERBS:
            return _dispatch([words[1], "--help"])
        sys.stdout.write(_help())
        return exits.OK
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"murmur {_version()}\n")
        return exits.OK
    if words[0] == "--flock" and len(words) > 2:  # which flock may be said first, as in `murmur --flock NAME status`
        words = [words[2], "--flock", words[1], *words[3:]]
    name = words[0]
    if name not in VERBS:
        what = f"there is no option {name!r} here" if name.startswith("-") else f"there is no command {name!r}"
        sys.stderr.write(f"murmur: {what}.{nearest(name, VERBS)}\nTry 'murmur --help'.\n")
        return exits.USAGE
    verb = cast("Verb", importlib.import_module(f"murmur.cli.verbs.{name.replace('-', '_')}"))
    about = VERBS[name][0].upper() + VERBS[name][1:]
    parser = Parser(
        prog=f"murmur {name}", description=f"{about}.", epilog=f"examples:\n{verb.EXAMPLES.rstrip()}\n\n{exits.TABLE}"
    )
    verb.arguments(parser)
    return verb.execute(parser.read(words[1:]))


def _help() -> str:
    lines = ["usage: murmur COMMAND [ARGUMENTS]      (murmur COMMAND --help shows examples)", ""]
    for group, verbs in GROUPS.items():
        lines += [f"{group}:", *(f"  {verb:<11}{about}" for verb, about in verbs.items()), ""]
    lines += [exits.TABLE, "", "environment: MURMUR_URL, MURMUR_TOKEN (a deployed flock), MURMUR_DEBUG=1, NO_COLOR", ""]
    return "\n".join(lines)


def _version() -> str:
    from importlib import metadata  # noqa: PLC0415 - see the module's docstring

    try:
        return metadata.version("murmur")
    except metadata.PackageNotFoundError:
        return "(a source tree, not installed)"


def _debug() -> None:
    if os.environ.get("MURMUR_DEBUG") == "1":
        traceback.print_exc()


if __name__ == "__main__":
    sys.exit(main())
