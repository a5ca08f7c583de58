"""``murmur status``: the flock and every agent, once."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from murmur.cli import exits
from murmur.cli.client import Client
from murmur.cli.parser import Parser, add_flock, add_json
from murmur.cli.screen import console, print_json, show_table, styled, table
from murmur.cli.shapes import Agent, Status
from murmur.cli.text import clock_time, duration
from murmur.cli.view import ring_text, totals_line
from murmur.ring import named

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = """\
  murmur status
  murmur status --json | jq .state
  murmur status --url https://flock.example.org
"""


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_json(parser)
    add_flock(parser)


def execute(args: Namespace) -> int:
    """Print the status."""
    with Client.of(args) as client:
        told = client.status()
    if args.json:
        print_json(told)
    else:
        show(Status.parse(told), client.where.url)
    return exits.OK


def show(status: Status, url: str) -> None:
    """The status, for people."""
    from rich.text import Text  # noqa: PLC0415 - only drawn for people

    out = console()
    since = f" since {clock_time(status.since)}" if status.since else ""
    scripted = f"{status.runner}" + (" (scripted, no model)" if status.scripted else "")
    ring = named(status.algorithm, status.radius)
    out.print(Text.assemble("flock   ", styled(status.state), since, f"  {status.reason}" if status.reason else ""))
    out.print(f"run     {status.run or 'none yet'}")
    out.print(f"ring    {status.concurrency} agents, {ring}, runner {scripted}")
    out.print(f"so far  {totals_line(status)}")
    if status.repairs:
        out.print(f"repairs {status.repairs} (hosts that died and were started again)")
    for notice in status.notices:
        out.print(Text.assemble("note    ", (notice, "bold red")))
    out.print(f"at      {url}", soft_wrap=True)
    if not status.agents:
        out.print("\nNo agents. Start a run with `murmur start`.")
        return
    out.print()
    show_table(_agents(status.agents))


def _agents(agents: tuple[Agent, ...]) -> Table:
    grid = table(
        "agent", "reads", "status", "seen", "turns", "inbox", "why", "last", flexible=("last",), right=("turns",)
    )
    for agent in agents:
        last = agent.last
        grid.add_row(
            f"agent-{agent.id}" + ("*" if agent.directive else ""),
            ring_text(agent.neighbours),
            styled(agent.status),
            "never" if agent.age_seconds is None else f"{duration(agent.age_seconds)} ago",
            str(agent.counters.turns),
            str(agent.inbox) if agent.inbox else "-",
            agent.turn_cause or (last.why if last else "-"),
            agent.said,
        )
    return grid
