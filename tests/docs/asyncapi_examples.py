"""Examples for docs/reference/asyncapi.json: frames as ``functions/live/messages.py`` makes them, of a flock that stands still in time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from functions.live import messages
from functions.live.messages import FRAME_BYTES
from functions.live.snapshot import Cursor, Snapshot
from murmur import keys
from murmur.change import Change
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.documents import Direction
from murmur.entry import LogEntry, Waker
from murmur.errors import InvalidInput
from murmur.facts import AgentFacts, FlockFacts
from murmur.inspector import QueueList, QueueStatus
from murmur.pattern import wiring_for
from murmur.ports import Depth
from murmur.state import AgentState, Counters
from murmur.status import HostCount, InboxDepth, assemble, live_agent

_RUN = "20261123T053236Z"
_TIME = "2026-11-23T05:32:36.000Z"
_CONFIG = FlockConfig(concurrency=2)
_CONTROL = Control(state="running", run=_RUN, since=_TIME, started=_TIME)
_DIRECTION = Direction(text="Write a short field guide.", etag="d1", modified=_TIME)
_ENTRY = LogEntry(
    ts=_TIME,
    iteration=3,
    action="Wrote the chapter on starlings.",
    result="output/starlings.md has 400 words.",
    next_intent="Let a neighbour read it.",
    cause="neighbour",
    woken_by=(Waker(agent=0, iteration=2),),
    seen={0: 2},
    wake_ms=180,
    turn_ms=9200,
    files=("output/starlings.md",),
    trace="17793124-05d4-b198-2fde-7ededc63b103",
)
_FLOCK = FlockFacts(control=_CONTROL, config=_CONFIG, now=datetime(2026, 11, 23, 5, 32, 40, tzinfo=UTC), files=1)
_STATE = AgentState(agent=1, run=_RUN, host="host-0", alive=_TIME, counters=Counters(wakes=4, gated=1, turns=3))
_AGENT = AgentFacts(1, _STATE, (_ENTRY,), Depth(visible=1, in_flight=0))


def said() -> dict[str, list[Any]]:
    """Examples of the server's messages, by name."""
    documents = {keys.DIRECTION: "d1", keys.CONFIG: "c1", keys.CONTROL: "s1"}
    snapshot = Snapshot(
        status=assemble(_FLOCK, [AgentFacts(0), _AGENT]),
        direction=_DIRECTION,
        config=_CONFIG,
        cursor=Cursor(run=_RUN, agents={1: 3}, documents=documents),
    )
    file = Change("output/starlings.md", "f1", "0A", 2311, _TIME, "17793124-05d4-b198-2fde-7ededc63b103")
    queue = QueueStatus(
        agent=1,
        rule=f"{_RUN}-agent-1",
        queue=f"{_RUN}-agent-1",
        pattern=wiring_for("flock", _CONFIG, 1).pattern(),
        inbox=InboxDepth(visible=1, in_flight=0),
    )
    long = Direction(text="x" * FRAME_BYTES, etag="d2", modified=_TIME)
    error = InvalidInput("There is no message of type 'dance'.", "Send resume, snapshot, watch or ping.")
    frames = {
        "snapshot": messages.snapshot_frames(snapshot),
        "entry": messages.entry_frames(1, [_ENTRY]),
        "agent": messages.agent_frames(live_agent(_FLOCK, _AGENT, (0,))),
        "control": messages.control_frames(_CONTROL, "s1", HostCount(asked=1, alive=1)),
        "file": messages.file_frames(file, 1, 3),
        "direction": messages.direction_frames(_DIRECTION),
        "config": messages.config_frames(_CONFIG, "c1"),
        "queues": messages.queues_frames(QueueList(queues=(queue,), dead_letters=0)),
        "reference": messages.direction_frames(long),
        "pong": messages.pong_frames(),
        "error": messages.error_frames(error),
    }
    return {name: [json.loads(frame) for frame in made] for name, made in frames.items()}


def asked() -> dict[str, list[Any]]:
    """Examples of a client's messages, by name."""
    cursor = {"run": _RUN, "agents": {"0": 2, "1": 3}, "documents": {keys.DIRECTION: "d1"}}
    return {
        "askSnapshot": [{"type": "snapshot"}],
        "resume": [{"type": "resume", "cursor": cursor}],
        "watch": [{"type": "watch", "queues": True}, {"type": "watch", "queues": False}],
        "ping": [{"type": "ping"}],
    }
