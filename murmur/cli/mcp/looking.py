"""The tools that look: status, logs, files, queues, history, analysis. None of them changes anything."""

from __future__ import annotations

import json
import tempfile
from typing import Final
from urllib.parse import quote

from murmur import keys
from murmur.cli.analysing import fetch, overview
from murmur.cli.mcp.call import Call
from murmur.cli.mcp.words import (
    agent_lines,
    counted,
    cut,
    entry_line,
    fenced,
    flock_lines,
    queue_line,
    text_block,
)
from murmur.cli.parser import UsageError
from murmur.cli.shapes import Agent, Entry, Status
from murmur.cli.text import clean, clock_time, size
from murmur.errors import NotFound

_FILES: Final = 200
_RUNS: Final = 20


def status(call: Call, agent: int | None) -> str:
    """The flock, or one agent of it."""
    found = Status.parse(call.client.status())
    if agent is None:
        lines = [*flock_lines(found), f"agents: {counted(found.agents)}"]
        return "\n".join([*lines, fenced(agent_lines(found.agents))])
    one = next((each for each in found.agents if each.id == agent), None)
    if one is None:
        raise NotFound(f"There is no agent-{agent}.", f"The flock has agent-0 to agent-{len(found.agents) - 1}.")
    return "\n".join(_one(one))


def _one(agent: Agent) -> list[str]:
    counters = agent.counters
    lines = [f"agent-{agent.id}: {agent.status}", f"reads: {', '.join(map(str, agent.neighbours)) or 'nobody'}"]
    if agent.age_seconds is not None:
        lines.append(f"last sign of life: {agent.age_seconds:.0f} s ago")
    lines.append(
        f"turns {counters.turns} ({counters.failed_turns} failed), wakes {counters.wakes} ({counters.gated} needed no turn), "
        f"rescues {counters.rescues}, tokens {counters.tokens}, ${counters.cost:.4f}; inbox {agent.inbox or '?'}"
    )
    said = [f"detail: {agent.detail}"] if agent.detail else []
    said += [entry_line(entry, name=False) for entry in (agent.previous, agent.last) if entry]
    return [*lines, f"directive: {'yes' if agent.directive else 'none'}", fenced(said)]


def config_get(call: Call) -> str:
    """The configuration, as JSON."""
    return json.dumps(call.client.config())


def direction_get(call: Call) -> str:
    """The goal."""
    text = str(call.client.direction().get("text", ""))
    return cut(text_block(text)) if text.strip() else "There is no direction yet."


def logs(call: Call, agent: int, after: int, limit: int) -> str:
    """An agent's entries, oldest first; without ``after`` the newest."""
    path = f"/cluster/agents/{agent}/log"
    asked = {"after": after, "limit": limit} if after >= 0 else {"newest": True, "limit": limit}
    page = call.client.get(path, **asked)
    found = [entry for entry in (Entry.parse(agent, value) for value in page.get("entries", [])) if entry]
    if not found:
        return f"agent-{agent} has no entries" + (f" after {after}." if after >= 0 else " yet.")
    more = f"\nmore follow: ask with after={found[-1].iteration}" if page.get("more") else ""
    lines = [f"{clock_time(entry.ts)} {entry_line(entry, name=False)}" for entry in found]
    return cut(f"agent-{agent}\n{fenced(lines)}") + more


def files_list(call: Call, after: str) -> str:
    """What the flock produced."""
    page = call.client.get("/cluster/habitat", after=after, limit=_FILES)
    found = page.get("files", [])
    if not found:
        return "Nothing in output/" + (" behind that." if after else " yet.")
    lines = []
    for file in found:
        agent = file.get("agent")
        by = "" if agent is None else f" by agent-{clean(agent)}"
        lines.append(f"{clean(file.get('key', ''), 400)} ({size(int(file.get('size', 0)))}{by})")
    follow = clean(page.get("after") or found[-1].get("key", ""), 1100)
    more = f"\nmore follow: ask with after={follow!r}" if page.get("more") else ""
    return cut(fenced(lines)) + more


def file_read(call: Call, path: str, offset: int, limit: int) -> str:
    """A part of a file of output/, as text."""
    key = path if path.startswith(keys.OUTPUT) else keys.OUTPUT + path
    with tempfile.TemporaryFile() as held:
        total = call.client.file(key, held)
        held.seek(min(offset, total))
        body = held.read(limit)
    if b"\0" in body:
        raise UsageError(f"{clean(path, 200)!r} is no text ({size(total)}).", "Download it with `murmur files get`.")
    end = offset + len(body)
    more = f"; more follow: ask with offset={end}" if end < total else ""
    block = fenced([text_block(body.decode("utf-8", "replace"))])
    return f"{clean(key, 400)}: bytes {min(offset, total)} to {end} of {total}{more}\n{block}"


def queues(call: Call, agent: int | None) -> str:
    """Every reader's queue, or one reader's with its last deliveries."""
    found = call.client.get("/cluster/queues" + (f"/{agent}" if agent is not None else ""))
    if agent is None:
        listed = found.get("queues", [])
        return cut("\n".join(map(queue_line, listed))) if listed else "No queues: they are made when a run starts."
    lines = [queue_line(found)]
    for delivery in found.get("deliveries", []):
        turn = delivery.get("iteration")
        became = clean(delivery.get("became", "")) + (f" #{clean(turn)}" if turn is not None else "")
        lines.append(f"{clock_time(str(delivery.get('received', '')))} {clean(delivery.get('key', ''))} → {became}")
    return cut("\n".join(lines))


def history(call: Call, run: str) -> str:
    """Earlier runs, or one of them."""
    if run:
        found = call.client.get(f"/cluster/history/{quote(run, safe='')}", limit=_FILES)
        heads = [
            f"{name}: {clean(found[name], 300)}" for name in ("run", "started", "ended", "reason") if found.get(name)
        ]
        entries = sum(int(agent.get("entries", 0)) for agent in found.get("agents", []))
        heads.append(f"{len(found.get('agents', []))} agents, {entries} entries")
        files = [
            f"{clean(file.get('key', ''), 400)} ({size(int(file.get('size', 0)))})" for file in found.get("files", [])
        ]
        goal = ["direction: " + clean(found["direction"], 600)] if found.get("direction") else []
        more = ["… and more files"] if found.get("more") else []
        return cut("\n".join([*heads, *goal, "files:", fenced(files), *more]))
    runs = call.client.get("/cluster/history", limit=_RUNS).get("runs", [])
    lines = [
        " | ".join(
            [
                clean(one.get("run", "")),
                f"{clean(one.get('entries', 0))} entries, {clean(one.get('files', 0))} files",
                *(clean(one[name], 120) for name in ("reason", "direction") if one.get(name)),
            ]
        )
        for one in runs
    ]
    return "\n".join(lines) or "No earlier runs. The current one moves here when the next is started."


def analyse(call: Call, run: str) -> str:
    """What a run was like."""
    return cut(fenced(overview(fetch(call.client, run)), "Murmur from the agents' logs"))
