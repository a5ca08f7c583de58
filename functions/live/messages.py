"""Messages to dashboards, cut to fit a frame: entries over several, anything else as a reference to fetch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from functions.live.snapshot import Snapshot
from murmur import keys
from murmur.change import Change
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.documents import Direction
from murmur.entry import LogEntry
from murmur.errors import MurmurError
from murmur.inspector import QueueList
from murmur.status import HostCount, LiveAgent

FRAME_BYTES: Final = 32_000
"""API Gateway lets 32 KB through in a frame; a little is left for its own sake."""


def snapshot_frames(snapshot: Snapshot) -> list[str]:
    """The whole flock, or where to fetch it."""
    return _frames(snapshot.model_dump(mode="json"), "/cluster/snapshot")


def entry_frames(agent: int, entries: Sequence[LogEntry]) -> list[str]:
    """Entries of one agent, ascending, in as many frames as they need."""
    frames: list[str] = []
    waiting: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        value = entry.model_dump(mode="json", exclude_none=True)
        length = len(_text(value).encode())
        if waiting and size + length > FRAME_BYTES - 200:
            frames.extend(_entries(agent, waiting))
            waiting, size = [], 0
        waiting.append(value)
        size += length + 1
    return [*frames, *(_entries(agent, waiting) if waiting else [])]


def agent_frames(agent: LiveAgent) -> list[str]:
    """What changes of one agent from moment to moment."""
    return _frames({"type": "agent", "agent": agent.model_dump(mode="json"), "cursor": {}}, "/cluster/status")


def control_frames(control: Control, etag: str, hosts: HostCount | None = None) -> list[str]:
    """The flock's state, and how many of its hosts are there."""
    cursor = {"run": control.run, "documents": {keys.CONTROL: etag}}
    value = {"type": "control", "control": control.model_dump(mode="json"), "cursor": cursor}
    return _frames({**value, "hosts": hosts.model_dump() if hosts else None}, "/cluster/status")


def direction_frames(direction: Direction) -> list[str]:
    """The operator's goal."""
    cursor = {"documents": {keys.DIRECTION: direction.etag}}
    value = {"type": "direction", "direction": direction.model_dump(mode="json"), "cursor": cursor}
    return _frames(value, "/cluster/direction")


def config_frames(config: FlockConfig, etag: str) -> list[str]:
    """The configuration."""
    cursor = {"documents": {keys.CONFIG: etag}}
    return _frames({"type": "config", "config": config.model_dump(mode="json"), "cursor": cursor}, "/cluster/config")


def file_frames(change: Change, agent: int | None, iteration: int | None) -> list[str]:
    """A file of output/ or knowledge-base/ came, changed or went."""
    value = {
        "type": "file",
        "key": change.key,
        "etag": change.etag,
        "size": change.size,
        "deleted": change.deleted,
        "agent": agent,
        "iteration": iteration,
        "cursor": {},
    }
    return _frames(value, "/cluster/habitat")


def queues_frames(queues: QueueList) -> list[str]:
    """Every reader's queue, for those who watch them."""
    return _frames({"type": "queues", **queues.model_dump(mode="json"), "cursor": {}}, "/cluster/queues")


def pong_frames() -> list[str]:
    """The answer to a ping."""
    return [_text({"type": "pong", "cursor": {}})]


def error_frames(error: MurmurError) -> list[str]:
    """What was wrong with a client's message."""
    value = {"type": "error", "error": str(error), "code": error.code, "message": error.message, "remedy": error.remedy}
    return [_text(value)]


def flatten(frames: Iterable[list[str]]) -> list[str]:
    """Several messages' frames as one list."""
    return [frame for some in frames for frame in some]


def _entries(agent: int, entries: list[dict[str, Any]]) -> list[str]:
    newest = entries[-1]["iteration"]
    value = {"type": "entry", "agent": agent, "entries": entries, "cursor": {"agents": {str(agent): newest}}}
    return _frames(value, f"/cluster/agents/{agent}/log?after={entries[0]['iteration'] - 1}&limit={len(entries)}")


def _frames(value: Mapping[str, Any], url: str) -> list[str]:
    text = _text(value)
    if len(text.encode()) <= FRAME_BYTES:
        return [text]
    reference = {"type": "reference", "of": value["type"], "url": url, "cursor": value["cursor"]}
    for name in ("agent", "key"):
        if isinstance(value.get(name), int | str):
            reference[name] = value[name]
    if len(_text(reference).encode()) > FRAME_BYTES:
        reference["cursor"] = {}  # what is fetched carries its own
    return [_text(reference)]


def _text(value: Mapping[str, Any] | BaseModel) -> str:
    return json.dumps(value, separators=(",", ":"))
