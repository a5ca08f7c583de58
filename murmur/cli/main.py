"""The ``murmur`` command. A verb's module is imported only when that verb is called, so that ``murmur status`` is quick."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from typing import Protocol, cast

from murmur.cli import exits
from murmur.cli.overview import FIRST, NEXT, OPTIONS, VERBS, overview
from murmur.cli.parser import Parser, UsageError, nearest
from murmur.cli.text import clean
from murmur.errors import MurmurError


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
        if len(words) > 1 and words[0] == "help":
            return _dispatch([words[1], "--help"])
        sys.stdout.write(overview())
        return exits.OK
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"murmur {_version()}\n")
        return exits.OK
    if words[0] in FIRST:  # which flock may be said first, as in `murmur --flock NAME status`
        if len(words) < 3:
            sys.stderr.write(
                f"murmur: {words[0]} names a flock, and a command is to follow.\n  → Write: murmur {words[0]} {FIRST[words[0]]} status\n"
            )
            return exits.USAGE
        words = [words[2], words[0], words[1], *words[3:]]
    name = words[0]
    if name not in VERBS:
        option = name.startswith("-")
        what = (
            f"there is no option {clean(name, 60)!r} before a command"
            if option
            else f"there is no command {clean(name, 60)!r}"
        )
        sys.stderr.write(f"murmur: {what}.{nearest(name, OPTIONS if option else VERBS)}\nTry 'murmur --help'.\n")
        return exits.USAGE
    return verb_of(name).execute(parser_of(name).read(words[1:]))


def parser_of(name: str) -> Parser:
    """The parser of one command: what it is for, its arguments, examples, what comes next, exit codes."""
    verb = verb_of(name)
    about = VERBS[name][0].upper() + VERBS[name][1:]
    parser = Parser(
        prog=f"murmur {name}",
        description=f"{about}.",
        epilog=f"examples:\n{verb.EXAMPLES.rstrip()}\n\nnext: {NEXT[name]}\n\n{exits.TABLE}",
    )
    verb.arguments(parser)
    return parser


def verb_of(name: str) -> Verb:
    """The module of one command, by its name in ``VERBS``."""
    return cast("Verb", importlib.import_module(f"murmur.cli.verbs.{name.replace('-', '_')}"))


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
