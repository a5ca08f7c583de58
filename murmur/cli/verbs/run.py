"""``murmur run``: documents and a direction in, results in a folder out."""

from __future__ import annotations

import sys
import threading
import time
from argparse import Namespace
from contextlib import closing
from pathlib import Path
from typing import get_args

from murmur.cli import exits
from murmur.cli.brain import add_model_options, offer_model
from murmur.cli.client import Client
from murmur.cli.feed import follow
from murmur.cli.find import HOME_NAME, Target, running, target
from murmur.cli.hosting import host
from murmur.cli.knowledge import Collection, Skipped, Upload, collect, upload
from murmur.cli.local import add_agent_command, offer, stack
from murmur.cli.mission import Interrupted, Mission, Plan
from murmur.cli.parser import Parser, UsageError, add_json, not_negative, positive, text_argument, whole
from murmur.cli.results import Results, check_folder, pull
from murmur.cli.screen import note, print_json
from murmur.cli.summary import Report, print_report
from murmur.cli.view import View, progress_view
from murmur.errors import MurmurError

EXAMPLES = """\
  murmur run --knowledge docs --direction "Digest every document, then write one index." --agents 8 --out result
  murmur run --direction @checklist.md --agents 4 --json > report.json
  murmur run --knowledge notes --direction @goal.md --runner model --model ollama:qwen3 --out result
  murmur run --knowledge notes --direction - --agent-command "my-agent --acp" < goal.md

Ctrl-C stops cleanly and still copies what was produced; a second Ctrl-C ends everything at once.
"""
_SHOWN_SKIPPED = 8
SCRIPTED_INTERVAL_SECONDS = 5.0
"""The fallback's interval of a one-shot run whose looks cost no model call: a flock settles an interval after its last work."""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    job = parser.add_argument_group("the job")
    job.add_argument(
        "--knowledge", type=Path, metavar="PATH", help="a file or folder to read; replaces what the flock has"
    )
    job.add_argument("--direction", metavar="TEXT", help="the goal: the text, @file, or - for standard input")
    job.add_argument("--out", type=Path, metavar="DIR", help="copy what is produced into this folder")
    job.add_argument("--force", action="store_true", help="also into a folder that is not empty")
    flock = parser.add_argument_group("the flock (left away: as it is configured)")
    flock.add_argument("--agents", type=whole, metavar="N", help="how many agents")
    flock.add_argument("--radius", type=whole, metavar="R", help="how many neighbours on either side an agent reads")
    flock.add_argument(
        "--algorithm",
        choices=_algorithms(),
        help="who reads whom, as `algorithm` of the configuration says it",
    )
    flock.add_argument(
        "--interval",
        type=positive,
        metavar="SECONDS",
        help="of the fallback, where no event arrives (5 for the scripted runner)",
    )
    flock.add_argument("--runner", metavar="NAME", help="which runner (`murmur runners` lists them)")
    flock.add_argument(
        "--model", help="model name handed to the runner (for 'model': ollama:qwen3, openai:…, bedrock:…)"
    )
    add_model_options(flock)
    add_agent_command(flock)
    flock.add_argument("--think", type=not_negative, metavar="SECONDS", help="let the scripted brain think so long")
    limits = parser.add_argument_group("how it goes")
    limits.add_argument("--max-minutes", type=positive, metavar="M", help="give up after this long (exit code 3)")
    limits.add_argument(
        "--home", type=Path, default=Path(HOME_NAME), help=f"where the state lies (default: {HOME_NAME})"
    )
    limits.add_argument("--url", default="", help="use the flock at this address instead of one on this machine")
    limits.add_argument(
        "--flock", default="", metavar="NAME", help="use this deployed flock instead (see `murmur login`)"
    )
    limits.add_argument("--keep", action="store_true", help="keep the dashboard up at the end, until Ctrl-C")
    limits.add_argument("--quiet", action="store_true", help="no progress, only the summary")
    add_json(parser)


def execute(args: Namespace) -> int:
    """Run it; everything that can be wrong with the arguments is found before anything starts."""
    home = args.home.expanduser().absolute()
    plan = Plan(
        direction=None if args.direction is None else text_argument(args.direction),
        config=_config(args),
        max_seconds=args.max_minutes * 60 if args.max_minutes else None,
    )
    own = tuple(path for path in (home, args.out) if path)
    found = collect(args.knowledge, leave_out=own) if args.knowledge else None
    if args.out:
        check_folder(args.out, force=args.force)
    there = _there(args, home)
    if there and (args.agent_command or args.think is not None or args.model_context or args.model_prices):
        raise UsageError(
            f"A flock already runs at {there.url}; --think, --agent-command, --model-context and --model-prices are set "
            "where it starts.",
            "Give them to that `murmur up`, or use another --home.",
        )
    if not there:
        _check_direction(plan, home)
        offer(args.agent_command, args.agent_env, [args.runner] if args.runner else [])
        offer_model(args.runner, args.model, args.model_context, args.model_prices)

    def work(url: str, interrupt: threading.Event) -> int:
        return _work(args, plan, found, there or Target(url, home=home), interrupt, own_server=there is None)

    if there:
        note(f"using the flock at {there.url}")
        return host(None, there.url, work)
    if not args.quiet:
        note("starting the flock …")
    return host(lambda: stack(home, think_seconds=args.think or 0.0), "", work)


def _algorithms() -> tuple[str, ...]:
    from murmur.config import FlockConfig  # noqa: PLC0415 - pydantic is slow to load, and the verb's examples need none of it

    return get_args(FlockConfig.model_fields["algorithm"].annotation)


def _check_direction(plan: Plan, home: Path) -> None:
    """Before a server is started for nothing: a flock that never ran has no direction of its own. Raises UsageError."""
    if plan.direction is None and not home.is_dir():
        raise UsageError(
            "There is no direction: nothing says what the agents shall do.",
            'Add --direction "Digest every document, then write one index.", or --direction @goal.md.',
        )


def _there(args: Namespace, home: Path) -> Target | None:
    """A flock that runs already: the one named, or the one in ``home``; None: we start our own."""
    if args.url or args.flock:
        return target(args)
    found = running(home)
    return Target(found.url, home=home) if found else None


def _config(args: Namespace) -> dict[str, object]:
    given_runner = args.runner or ("custom" if args.agent_command else None)
    given = {
        "concurrency": args.agents,
        "neighbourRadius": args.radius,
        "algorithm": args.algorithm,
        "loopIntervalSeconds": args.interval or (None if given_runner else SCRIPTED_INTERVAL_SECONDS),
        "runner": given_runner,
        "model": args.model,
        "maxRunMinutes": args.max_minutes,
    }
    return {name: value for name, value in given.items() if value is not None}


def _work(
    args: Namespace,
    plan: Plan,
    found: Collection | None,
    where: Target,
    interrupt: threading.Event,
    *,
    own_server: bool,
) -> int:
    began = time.monotonic()
    view = progress_view(quiet=args.quiet, hint="Ctrl-C stops cleanly; again: at once")
    try:
        with Client(where) as client, closing(follow(client)) as feed:
            mission = Mission(client, feed, view, interrupt)
            with view:
                view.phase(f"dashboard {where.url}")
                mission.clear(take_over=own_server)
                taken = upload(client, found, mission.check) if found else None
                if taken:
                    _tell(taken, view)
                outcome = mission.carry_out(plan)
                results = _results(client, args.out, view)
            report = Report.of(
                mission,
                outcome,
                upload=taken,
                results=results,
                out=args.out,
                where=where,
                elapsed_seconds=time.monotonic() - began,
            )
    except Interrupted:
        note("murmur: interrupted before the run began")
        return exits.INTERRUPTED
    print_json(report.value()) if args.json else print_report(report)
    sys.stdout.flush()
    if args.keep and own_server and not interrupt.is_set():
        note(f"the dashboard stays at {where.url}; Ctrl-C ends it")
        interrupt.wait()
    return report.code


def _tell(taken: Upload, view: View) -> None:
    view.phase(taken.words)
    for item in taken.skipped[:_SHOWN_SKIPPED]:
        view.phase(_left_out(item))
    if len(taken.skipped) > _SHOWN_SKIPPED:
        view.phase(f"  … and {len(taken.skipped) - _SHOWN_SKIPPED} more (all of them with --json)")


def _left_out(item: Skipped) -> str:
    return f"  not taken: {item.name}: {item.why}"


def _results(client: Client, folder: Path | None, view: View) -> Results | None:
    """Copy what there is; None where no folder was given. Trouble is told, and leaves what was copied."""
    if folder is None:
        return None
    try:
        return pull(client, client.listing("/cluster/habitat"), folder)
    except MurmurError as error:
        view.phase(f"the results could not be copied: {error}")
        return None
