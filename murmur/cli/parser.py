"""Reading the command line: argparse, with a guess at what was meant where a word is unknown."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from murmur.cli import exits
from murmur.errors import InvalidInput

TEXT_LIMIT: Final = 4_000_000
"""Bytes of a direction or directive this command takes; far above what a flock accepts, so that the flock's words are heard."""
_MOST_DIGITS: Final = 12


class UsageError(InvalidInput):
    """The command line asks for something that cannot be. Remedy: correct the named argument; nothing was done."""

    code = "usage"


def nearest(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the closest known word; empty if none is close."""
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    close = close or [
        other for other in words if sorted(other) == sorted(word)
    ]  # two letters changed places: a short word is unlike itself
    return f" Did you mean {close[0]!r}?" if close else ""


class Parser(argparse.ArgumentParser):
    """Says what is wrong, what was probably meant, and where the help is. Ends with exit code 2."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Print and leave."""
        sys.stderr.write(f"{self.prog}: {message}\nTry '{self.prog} --help'.\n")
        raise SystemExit(exits.USAGE)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse; an unknown option is answered with the one it resembles."""
        found, unknown = self.parse_known_intermixed_args(words)
        for word in unknown:
            name = word.partition("=")[0]
            guess = nearest(name, self._option_string_actions) if word.startswith("-") else ""
            self.error(f"unrecognised argument {word!r}.{guess}")
        return found

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """A value, read. Where the type is a plain one of Python's, argparse's own words name the type; these name what to write."""
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError as error:
            if action.type is int:
                raise argparse.ArgumentError(action, f"{arg_string[:40]!r} is not a whole number") from error
            raise

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            self.error(f"{value!r} is not one of {', '.join(known)}.{nearest(str(value), known)}")


def add_flock(parser: argparse.ArgumentParser) -> None:
    """The options by which every verb finds its flock."""
    group = parser.add_argument_group("which flock")
    group.add_argument(
        "--url",
        default="",
        help="a flock's address (default: $MURMUR_URL, else the one running in the nearest .murmur); $MURMUR_TOKEN is sent as bearer token",
    )
    group.add_argument(
        "--flock",
        default="",
        metavar="NAME",
        help="a deployed flock this machine knows (see `murmur login`, `murmur deploy`)",
    )
    group.add_argument("--home", type=Path, help="where a local flock's state lies (default: the nearest .murmur)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json`` of a verb that prints data."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def whole(word: str) -> int:
    """A whole number of at least 1. For argparse ``type=``."""
    return _whole(word, 1)


def natural(word: str) -> int:
    """A whole number of at least 0. For argparse ``type=``."""
    return _whole(word, 0)


def _whole(word: str, least: int) -> int:
    if not word.isascii() or not word.isdigit() or len(word) > _MOST_DIGITS or int(word) < least:
        raise argparse.ArgumentTypeError(
            f"{word[:40]!r} is not a whole number {'above 0' if least else 'of at least 0'}"
        )
    return int(word)


def agent_number(word: str) -> int:
    """``3`` or ``agent-3``. For argparse ``type=``."""
    digits = word.removeprefix("agent-")
    if not digits.isascii() or not digits.isdigit():
        raise argparse.ArgumentTypeError(f"{word!r} is no agent; write its number, such as 3")
    return int(digits)


def positive(word: str) -> float:
    """A number above 0. For argparse ``type=``."""
    return _number(word, above_zero=True)


def not_negative(word: str) -> float:
    """A number of at least 0. For argparse ``type=``."""
    return _number(word, above_zero=False)


def _number(word: str, *, above_zero: bool) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not (value > 0 or (value == 0 and not above_zero)) or value == float("inf"):
        raise argparse.ArgumentTypeError(f"{word!r} is not a number {'above' if above_zero else 'of at least'} 0")
    return value


def text_argument(word: str) -> str:
    """The text of an argument that may be ``@file`` or ``-`` (standard input). Raises UsageError."""
    if word == "-":
        return _decoded(sys.stdin.buffer.read(TEXT_LIMIT + 1), "standard input")
    if not word.startswith("@"):
        return word
    path = Path(word[1:])
    try:
        with path.open("rb") as file:
            return _decoded(file.read(TEXT_LIMIT + 1), str(path))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Name a text file after the @, or write the text itself.",
        ) from error


def _decoded(body: bytes, name: str) -> str:
    if len(body) > TEXT_LIMIT:
        raise UsageError(f"The text in {name} is longer than {TEXT_LIMIT} bytes.", "Put long material in --knowledge.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"The text in {name} is not UTF-8.", "Save it as UTF-8 and try again.") from error
