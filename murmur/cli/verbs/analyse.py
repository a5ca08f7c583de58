"""``murmur analyse``: what a run was like, in numbers, and on request in a model's words."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from murmur.analysis.report import Analysis
from murmur.cli import exits
from murmur.cli.analysing import fetch, overview
from murmur.cli.analysis_picture import picture
from murmur.cli.brain import add_model_options
from murmur.cli.client import Client
from murmur.cli.parser import Parser, UsageError, add_flock, add_json, positive
from murmur.cli.screen import note, print_json, say

if TYPE_CHECKING:
    from murmur.cli.narrating import Narrative, Narrator

EXAMPLES = """\
  murmur analyse
  murmur analyse 20261123T053236Z --svg run.svg
  murmur analyse --json | jq '.influence[:3]'
  murmur analyse --narrate                                    # told by the flock's own runner, as well
  murmur analyse --narrate --runner model --model ollama:qwen3
"""
_SECONDS = 300.0


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "run",
        nargs="?",
        default="",
        metavar="RUN",
        help="a run as `murmur history` names it (default: the present one)",
    )
    parser.add_argument(
        "--svg", type=Path, metavar="FILE", help="draw it: convergence, who woke whom, each agent's share"
    )
    parser.add_argument("--force", action="store_true", help="write over FILE if it is there")
    add_json(parser)
    telling = parser.add_argument_group("a model's words")
    telling.add_argument(
        "--narrate",
        action="store_true",
        help="after the numbers, a few paragraphs by a model: one turn of a runner on this machine (off by default; it may cost tokens)",
    )
    telling.add_argument(
        "--runner", metavar="NAME", help="which runner narrates (default: the flock's; `murmur runners` lists them)"
    )
    telling.add_argument("--model", metavar="ID", help="model name handed to that runner (default: the flock's)")
    add_model_options(telling)
    telling.add_argument(
        "--seconds", type=positive, metavar="S", help=f"what that turn may take (default: {_SECONDS:g})"
    )
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Fetch, draw, tell; with --narrate let a model tell it too."""
    _check(args)
    with Client.of(args) as client:
        found = fetch(client, args.run)
        by, words = _asked(client, args, found)
    if args.svg is not None:
        _draw(args.svg, found)
    if not args.json:
        say("\n".join(overview(found)))
    narrative = _narrated(by, words, quiet=args.json)
    if args.json:
        _print(args, found, by, narrative)
    elif by and narrative:
        _tell(by, narrative)
    if args.svg is not None:
        note(f"drawn in {args.svg}")
    return exits.OK


def _check(args: Namespace) -> None:
    """Raises UsageError for what can be seen to be wrong before anything is asked."""
    if args.svg is not None and args.svg.exists() and not args.force:
        raise UsageError(f"{args.svg} exists.", "Name another file, or add --force.")
    telling = (args.runner, args.model, args.model_context, args.model_prices, args.seconds)
    if not args.narrate and any(telling):
        raise UsageError("--runner, --model and --seconds go with --narrate.", "Add --narrate, or leave them out.")


def _draw(path: Path, found: Analysis) -> None:
    try:
        path.write_text(picture(found), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name a file you may write.") from error


def _asked(client: Client, args: Namespace, found: Analysis) -> tuple[Narrator | None, str]:
    """Who narrates and what it is told; nobody, where nobody was asked to or there is nothing to tell."""
    if not args.narrate:
        return None, ""
    from murmur.cli.narrating import narrator, prompt  # noqa: PLC0415 - the runners take a while to load

    by = narrator(client, args, args.seconds or _SECONDS)
    return (by, prompt(client, found)) if found.entries else (None, "")


def _narrated(by: Narrator | None, words: str, *, quiet: bool) -> Narrative | None:
    if by is None:
        return None
    from murmur.cli.narrating import narrate  # noqa: PLC0415 - see _asked

    if not quiet:
        note(f"{by.name} is asked for a narrative …")
    return narrate(by, words)


def _tell(by: Narrator, narrative: Narrative) -> None:
    from murmur.cli.narrating import told  # noqa: PLC0415 - see _asked

    say("\n".join(["", *told(by, narrative)]))
    if narrative.remark:
        note(f"its turn did not go well in all: {narrative.remark}")


def _print(args: Namespace, found: Analysis, by: Narrator | None, narrative: Narrative | None) -> None:
    """The analysis; with --narrate it has "narrative" too, null where there was nothing to tell."""
    value = found.model_dump(mode="json")
    if args.narrate:
        from murmur.cli.narrating import as_json  # noqa: PLC0415 - see _asked

        value["narrative"] = as_json(by, narrative) if by and narrative else None
    print_json(value)
