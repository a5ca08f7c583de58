"""The checks of ``murmur doctor``: each looks at one thing and says what to do if it is wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.feed import Feed
from murmur.cli.find import HOME_NAME, Target, nearest_home, running
from murmur.cli.local import free_port, stack
from murmur.cli.mission import Mission, Outcome, Plan
from murmur.cli.text import clean, duration, size
from murmur.cli.view import PlainView
from murmur.errors import MurmurError

_PYTHON: Final = (3, 11)
_PACKAGES: Final = {
    "acp": "agent-client-protocol",
    "aws_lambda_powertools": "aws-lambda-powertools",
    "boto3": "boto3",
    "httpx": "httpx",
    "markdown_it": "markdown-it-py",
    "mcp": "mcp",
    "ministack": "ministack",
    "nh3": "nh3",
    "psutil": "psutil",
    "pydantic": "pydantic",
    "rich": "rich",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "websockets": "websockets",
}
_FREE_BYTES: Final = 500_000_000
_OPEN_FILES: Final = 1024
_PORT: Final = 7777
_TURN_SECONDS: Final = 120.0
_DOCUMENT: Final = (
    "# Starlings\n\nA murmuration has no leader. Each bird watches its nearest neighbours and acts when they do.\n"
)


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found. ``remedy`` is empty where nothing is to be done."""

    name: str
    state: Literal["ok", "warning", "failed"]
    detail: str
    remedy: str = ""


def examine(*, fast: bool) -> Iterator[Check]:
    """Every check in turn; one that goes wrong itself is a failed check, and the others are made all the same."""
    quick: list[Callable[[], Check]] = [python, packages, folder, disk, open_files, port, runners, endpoint]
    for check in quick if fast else [*quick, turn]:
        yield made(check, check.__name__.replace("_", " "))


def made(check: Callable[[], Check], name: str) -> Check:
    """The check; a failed one of that name if it goes wrong itself."""
    try:
        return check()
    except MurmurError as error:
        return Check(name, "failed", clean(error.message, 600), clean(error.remedy, 300))
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is what the doctor is here to tell
        words = clean(f"{type(error).__name__}: {error}", 600)
        return Check(name, "failed", words, "Install Murmur again (`./dev clean`, then `./dev up`).")


def python() -> Check:
    """The interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        return Check("python", "failed", found, "Install Python 3.11 or newer.")
    return Check("python", "ok", f"{found} ({sys.executable})")


def packages() -> Check:
    """What must be installed."""
    absent = [name for module, name in _PACKAGES.items() if importlib.util.find_spec(module) is None]
    if absent:
        remedy = "Install what requirements/run.lock lists; `./dev up` does it."
        return Check("packages", "failed", f"missing: {', '.join(absent)}", remedy)
    shown = ("agent-client-protocol", "mcp", "ministack", "boto3")
    return Check("packages", "ok", ", ".join(f"{name} {metadata.version(name)}" for name in shown))


def folder() -> Check:
    """Where the state goes."""
    home = nearest_home(Path.cwd()) or Path.cwd() / HOME_NAME
    place = home if home.exists() else home.parent
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("home", "failed", f"{place} may not be written", "Change to a folder of yours, or give --home.")
    found = running(home)
    return Check("home", "ok", f"{home}" + (f" (a flock runs there: {found.url})" if found else ""))


def disk() -> Check:
    """Room for logs and results."""
    free = shutil.disk_usage(Path.cwd()).free
    state: Literal["ok", "warning"] = "ok" if free >= _FREE_BYTES else "warning"
    remedy = "" if state == "ok" else f"Free some space: {size(_FREE_BYTES)} is a good minimum."
    return Check("disk", state, f"{size(free)} free", remedy)


def open_files() -> Check:
    """Sockets and pipes of many agents."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft != resource.RLIM_INFINITY and soft < _OPEN_FILES
    shown = "unlimited" if soft == resource.RLIM_INFINITY else f"{soft} (at most {hard})"
    remedy = f"For large flocks raise it first: ulimit -n {_OPEN_FILES * 4}." if few else ""
    return Check("open files", "warning" if few else "ok", shown, remedy)


def port() -> Check:
    """The dashboard's usual place."""
    if free_port(_PORT):
        return Check("port", "ok", f"{_PORT} is free")
    return Check("port", "warning", f"{_PORT} is taken", "`murmur up` takes another one, or name one with --port.")


def runners() -> Check:
    """The commands of the agents that config may choose."""
    from agent.runner.kinds import known_runners  # noqa: PLC0415 - a broken installation is a finding, not a crash

    known = known_runners()
    for name in ("scripted", "custom"):
        if name in known and not known[name].installed():
            detail = f"{name}: there is no command {known[name].command[0]!r}"
            return Check("runners", "failed", detail, known[name].remedy)
    here = [name for name, profile in known.items() if profile.installed()]
    return Check("runners", "ok", f"{', '.join(here)} (`murmur runners` says how to get others)")


def runner_turn(name: str, model: str, timeout_seconds: float) -> Check:
    """One real turn of the runner of that name. Raises NotFound if there is none."""
    from agent.runner.kinds import runner_named  # noqa: PLC0415 - see runners
    from murmur.cli.trial import try_runner  # noqa: PLC0415 - see runners

    trial = asyncio.run(try_runner(runner_named(name), model, timeout_seconds))
    entry, usage = trial.entry, trial.entry.usage
    took = f"started in {duration(trial.start_seconds)}, one turn in {duration(trial.turn_seconds)}"
    spent = f", {usage.input_tokens} tokens in, {usage.output_tokens} out" if usage else ""
    words = clean(f"{entry.action}: {entry.result}", 500)
    found = "; ".join(clean(text, 200) for text in (*entry.doubts, *entry.refused))
    detail = f"{took}{spent}; wrote {', '.join(trial.files) or 'nothing'}; {words}" + (f" [{found}]" if found else "")
    if trial.well:
        return Check(name, "ok", detail)
    remedy = "`murmur runners` says what it needs; docs/reference/runners.md how it is set up."
    if entry.failed:
        return Check(name, "failed", detail, remedy)
    return Check(name, "warning", detail, "The turn came to an end, but not as it was asked to: try another model.")


def endpoint() -> Check:
    """The embedded cloud starts, answers and ends."""
    from murmur.local.endpoint import Endpoint  # noqa: PLC0415 - see runners

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="murmur-doctor-") as home:
        made = Endpoint(Path(home))
        try:
            made.start_blocking()
        finally:
            made.stop_blocking()
    return Check("endpoint", "ok", f"started in {duration(time.monotonic() - began)}")


def turn() -> Check:
    """A whole flock of two scripted agents, from the direction to the result."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="murmur-doctor-") as home:
        outcome, turns, files = asyncio.run(_small_run(Path(home)))
    detail = f"2 scripted agents, {turns} turns, {files} files in {duration(time.monotonic() - began)}"
    if outcome.code != exits.OK or not files:
        why = f"{detail}; {outcome.kind}: {outcome.reason}"
        return Check(
            "a turn", "failed", why, "Run `murmur run --agents 2 --direction …` and read the hosts' logs in .murmur."
        )
    return Check("a turn", "ok", detail)


async def _small_run(home: Path) -> tuple[Outcome, int, int]:
    async with stack(home) as hosted:
        return await asyncio.to_thread(_mission, Target(hosted.url, home=home))


def _mission(where: Target) -> tuple[Outcome, int, int]:
    """Outcome, turns and files."""
    config = {"concurrency": 2, "neighbourRadius": 1, "runner": "scripted", "loopIntervalSeconds": 5.0}
    with Client(where) as client, closing(Feed(client)) as feed:
        client.call("PUT", "/cluster/knowledge", params={"key": "hello.md"}, content=_DOCUMENT.encode())
        mission = Mission(client, feed, PlainView(quiet=True), threading.Event())
        plan = Plan("Digest every document, then write one index.", config, _TURN_SECONDS)
        outcome = mission.carry_out(plan)
        return outcome, mission.tally().entries, len(list(client.listing("/cluster/habitat")))
