"""Waiting for the flock to change: told by its WebSocket, so that an assistant need not ask again and again."""

from __future__ import annotations

import time
from typing import Final, Literal

from murmur.cli.feed import Feed, follow
from murmur.cli.mcp.call import Call
from murmur.cli.mcp.mark import Mark
from murmur.cli.mcp.words import counted, entry_line, fenced, flock_lines
from murmur.cli.shapes import Status

Until = Literal["change", "state", "settled"]
ASK_SECONDS: Final = 60.0
"""How often the whole status is read beside the pushes, in case one was lost."""
_STEP_SECONDS: Final = 0.5
_TOGETHER_SECONDS: Final = 0.4
"""What changes within this time after the first change is told with it."""
_SHOWN: Final = 30
_OVER: Final = ("settled", "stopped")


def wait_for_change(call: Call, cursor: str, until: Until, timeout_seconds: float) -> str:
    """Wait, and tell what changed since the cursor (or since now). Raises what the flock answers if it cannot be followed."""
    before, note = call.marks.find(cursor), ""
    if cursor and before is None:
        note = f"The cursor {cursor[:20]!r} is not known to this server (any more): counted from now.\n"
    deadline = time.monotonic() + timeout_seconds
    feed = follow(call.client, ask_seconds=ASK_SECONDS)
    try:
        feed.update(0)
        if feed.problem:
            raise feed.problem
        before = before or Mark.of(feed.picture.status)
        changed = _wait(call, feed, before, until, deadline)
        return note + _told(call, feed, before, changed=changed, waited=until)
    finally:
        feed.close()


def _wait(call: Call, feed: Feed, before: Mark, until: Until, deadline: float) -> bool:
    """Whether what was waited for came before the deadline."""
    while not (came := _came(feed.picture.status, before, until)):
        left = deadline - time.monotonic()
        if left <= 0 or call.cancelled.is_set():
            return False
        feed.update(min(_STEP_SECONDS, left))
    end = min(deadline, time.monotonic() + _TOGETHER_SECONDS)
    while until == "change" and (left := end - time.monotonic()) > 0 and not call.cancelled.is_set():
        feed.update(left)
    return came


def _came(status: Status, before: Mark, until: Until) -> bool:
    now = Mark.of(status)
    if until == "settled":
        return now.state in _OVER
    return before.differs(now) if until == "change" else not before.stands_like(now)


def _told(call: Call, feed: Feed, before: Mark, *, changed: bool, waited: Until) -> str:
    status = feed.picture.status
    now = Mark.of(status)
    name = call.marks.keep(now)
    lines = [] if changed else [f"Not reached in time: {_WAITED[waited]}."]
    lines += flock_lines(status)
    if status.agents:
        lines.append(f"agents: {counted(status.agents)}")
    new = [entry for entry in feed.picture.recent if not before.has_heard(entry.agent, entry.iteration, now.run)]
    lines += _entries(before, now, [entry_line(entry) for entry in new[-_SHOWN:]], len(new))
    if feed.problem:
        lines.append(f"The connection is lost just now: {feed.problem.message} {feed.problem.remedy}")
    lines.append(f"cursor: {name}  (hand it to the next wait_for_change)")
    return "\n".join(lines)


_WAITED: Final = {
    "change": "nothing changed",
    "state": "neither the flock's state nor an agent in trouble changed",
    "settled": "the flock is neither settled nor stopped",
}


def _entries(before: Mark, now: Mark, shown: list[str], known: int) -> list[str]:
    since = before.newest if before.run == now.run else {}
    all_new = sum(max(0, newest - since.get(agent, -1)) for agent, newest in now.newest.items())
    if not shown:
        return ["new entries: none"]
    left = max(all_new, known) - len(shown)
    return [f"new entries: {max(all_new, known)}", fenced(shown)] + (
        [f"… the newest are shown; {left} more are in the logs"] if left > 0 else []
    )
