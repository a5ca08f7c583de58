"""An analysis fetched from the flock, and told in words."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from pydantic import ValidationError

from murmur.analysis.report import AgentWork, Analysis, Step
from murmur.cli.client import Answered, Client
from murmur.cli.text import clean, duration, plural

_STEPS: Final = 24
_EDGES: Final = 12
_DUPLICATES: Final = 8
_AGENTS: Final = 64


def fetch(client: Client, run: str = "") -> Analysis:
    """The analysis of a run; "" for the flock's own. Raises Unreachable, Answered."""
    path = f"/cluster/history/{quote(run, safe='')}/analysis" if run else "/cluster/analysis"
    try:
        return Analysis.model_validate(client.get(path))
    except ValidationError as error:
        raise Answered(
            200,
            "not_murmur",
            "The analysis is not understood.",
            "Bring the flock and this command to the same version.",
        ) from error


def overview(found: Analysis) -> list[str]:
    """The analysis in lines, every word of it safe to print."""
    if not found.entries:
        return [f"run {clean(found.run) or 'none yet'}: no entries, nothing to tell"]
    return [
        *_summary(found),
        "",
        *_convergence(found),
        "",
        *_influence(found),
        "",
        *_duplicates(found),
        "",
        *_work(found),
    ]


def _summary(found: Analysis) -> list[str]:
    now = " (the flock's own)" if found.current else ""
    lines = [
        (
            f"run {clean(found.run)}{now}: {plural(found.agents, 'agent')}, {plural(found.entries, 'entry')}, "
            f"{plural(found.files, 'file')} in {duration(found.span_seconds)}"
        ),
        (
            f"idle share of all agents' time: {found.idle_share:.0%}; tokens in {found.input_tokens:,}, out {found.output_tokens:,}, "
            f"cost ${found.cost:.4f}"
        ),
    ]
    if found.truncated:
        lines.append("only the first entries of each log were read: there are very many")
    if found.median_wake_ms is not None:
        lines.append(
            f"a wake took {found.median_wake_ms:,} ms (median), {found.slow_wake_ms or 0:,} ms in the slowest twentieth"
        )
    return lines


def _convergence(found: Analysis) -> list[str]:
    rested = "never" if found.rested_at is None else f"at iteration {found.rested_at}"
    lines = [f"convergence: the whole flock came to rest {rested}"]
    lines.append("  iteration  agents  working  idle  failed  at rest  new files  rewritten  likeness")
    shown = thinned(found.steps, _STEPS)
    for step in shown:
        alike = "-" if step.likeness is None else f"{step.likeness:.2f}"
        lines.append(
            f"  {step.iteration:>9}  {step.agents:>6}  {step.working:>7}  {step.idle:>4}  {step.failed:>6}  {step.at_rest:>7.0%}  "
            f"{step.new_files:>9}  {step.rewritten:>9}  {alike:>8}"
        )
    if len(shown) < len(found.steps):
        lines.append(f"  ({len(shown)} of {len(found.steps)} iterations shown; --json has all)")
    return lines


def thinned(steps: tuple[Step, ...], most: int) -> tuple[Step, ...]:
    """At most ``most`` of the steps, the first and the last among them, evenly spread."""
    if len(steps) <= most:
        return steps
    return tuple(steps[round(place * (len(steps) - 1) / (most - 1))] for place in range(most))


def _influence(found: Analysis) -> list[str]:
    if not found.influence:
        return ["influence: no entry says that another woke it"]
    lines = [f"influence: {plural(len(found.influence), 'pair')}, longest chain of wakes {found.deepest}; strongest:"]
    for edge in found.influence[:_EDGES]:
        took = f", median {edge.median_ms:,} ms" if edge.median_ms is not None else ""
        lines.append(f"  agent-{edge.source} → agent-{edge.target}: {edge.wakes} wakes{took}")
    return lines


def _duplicates(found: Analysis) -> list[str]:
    if not (found.duplicates or found.repeated):
        return ["duplicate work: none found"]
    lines = [f"duplicate work: {found.duplicate_share:.0%} of the files were written by more than one agent"]
    lines += [
        f"  {clean(file.key, 120)}: agents {', '.join(map(str, file.agents[:8]))} ({file.writes} writes)"
        for file in found.duplicates[:_DUPLICATES]
    ]
    lines += [
        f"  said {one.times} times by agents {', '.join(map(str, one.agents[:8]))}: {clean(one.words, 120)}"
        for one in found.repeated[:_DUPLICATES]
    ]
    return lines


def _work(found: Analysis) -> list[str]:
    lines = [
        "  agent  turns  failed   busy  idle share  files  tokens in  tokens out     cost  woke others  refused  doubts"
    ]
    lines += [_agent(agent) for agent in found.work[:_AGENTS]]
    if len(found.work) > _AGENTS:
        lines.append(f"  … and {len(found.work) - _AGENTS} more; --json has all")
    return lines


def _agent(agent: AgentWork) -> str:
    return (
        f"  {agent.agent:>5}  {agent.turns:>5}  {agent.failed:>6}  {agent.busy_ms / 1000:>4.1f}s  {agent.idle_share:>10.0%}  {agent.files:>5}  "
        f"{agent.input_tokens:>9,}  {agent.output_tokens:>10,}  {agent.cost:>7.4f}  {agent.caused:>11}  {agent.refused:>7}  {agent.doubts:>6}"
    )
