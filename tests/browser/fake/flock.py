"""A flock that only pretends: it holds what a real one would say of itself, and says it over REST and WebSocket.

Tests move it by hand (``write``, ``begin``, ``put_file``) and break it by its knobs (``silent``, ``refuse_sockets``, ``down``).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute
from starlette.websockets import WebSocket

from murmur.config import FlockConfig
from murmur.entry import timestamp
from murmur.errors import MurmurError, WrongState
from murmur.local.gateway.pages import SETTINGS
from murmur.ring import neighbours

Json = dict[str, Any]


def now() -> str:
    """The time as logs spell it."""
    return timestamp(datetime.now(UTC))


class FakeFlock:
    """What the gateway's handlers answer from. ``requests`` records every call as (method, path, body)."""

    def __init__(self, agents: int = 8, *, radius: int = 1, running: bool = True) -> None:
        self.config = FlockConfig(concurrency=agents, neighbourRadius=radius)
        self.direction: Json = {"text": "Digest every document, then write one index.", "etag": "d0", "modified": now()}
        self.control: Json = {"state": "stopped", "run": "", "reason": "", "since": now(), "started": ""}
        self.logs: dict[int, list[Json]] = {}
        self.info: dict[int, Json] = {}
        self.files: dict[str, tuple[bytes, Json]] = {}
        self.gone: set[str] = set()
        """Files that every listing still shows, and nobody can read."""
        self.older: dict[str, tuple[bytes, Json]] = {}
        """The version before the present one of each file that was written over."""
        self.past: dict[str, Any] = {}
        """Earlier runs by name: ``fake.rooms.PastRun``."""
        self.deliveries: dict[int, list[Json]] = {}
        self.pauses: tuple[Json, ...] = ()
        """Those of this run that are over."""
        self.peeked = ""
        """The body a peek shows."""
        self.sockets: set[WebSocket] = set()
        self.requests: list[tuple[str, str, Any]] = []
        self.silent = False
        """Pushes are lost on the way, as if the network had eaten them."""
        self.refuse_sockets = False
        self.references = False
        """Answers over the socket are too large for a frame, and become references to fetch."""
        self.down = False
        """REST answers 503."""
        self.settings: Json = dict(SETTINGS)
        """What settings.json says."""
        self.hosts = -(-agents // 8)
        """How many hosts are there while it runs."""
        self.slow_stop = False
        """A stop leaves the flock stopping, for the test to end (``confirm_stop``)."""
        self.directives: dict[int, str] = {}
        self.refuse: MurmurError | None = None
        """What the next start is refused with."""
        self.routes: list[BaseRoute] = []
        """More that its server answers."""
        self.bearers: set[str] | None = None
        """The tokens of which every call must show one; None: it need show none."""
        self.ahead_seconds = 0.0
        """How much later it is by the server's clock than by the page's."""
        self.policy = True
        """Whether the page is served with its Content-Security-Policy."""
        self.clean = True
        """Whether rendered Markdown is sanitised, as the real API does it."""
        self.ended = asyncio.Event()
        """Set when the server goes away, so that open sockets let go."""
        self._people()
        if running:
            self.begin_run()

    # What it says

    def status(self) -> Json:
        """GET /cluster/status."""
        agents = [{**info, "last": self._entry(n, -1), "previous": self._entry(n, -2)} for n, info in self.info.items()]
        names = ("turns", "failed_turns", "wakes", "gated", "rescues", "tokens", "cost")
        totals = {name: sum(info["counters"].get(name, 0) for info in self.info.values()) for name in names}
        return {
            **self.control,
            "now": timestamp(datetime.now(UTC) + timedelta(seconds=self.ahead_seconds)),
            "scripted": True,
            "runner": self.config.runner,
            "concurrency": self.config.concurrency,
            "algorithm": self.config.algorithm,
            "neighbourRadius": self.config.neighbourRadius,
            "totals": {**totals, "files": len(self.files)},
            "hosts": self.host_count(),
            "agents": agents,
        }

    def host_count(self) -> Json:
        """How many hosts were asked for and are there."""
        up = self.control["state"] not in ("stopped", "checking")
        return {"asked": -(-self.config.concurrency // 8), "alive": self.hosts if up else 0, "restarts": 0}

    def cursor(self) -> Json:
        """Where everything stands."""
        return {
            "run": self.control["run"],
            "agents": {str(n): log[-1]["iteration"] if log else -1 for n, log in self.logs.items()},
            "documents": {"direction.md": self.direction["etag"]},
        }

    def snapshot(self) -> Json:
        """The first message of a connection."""
        return {
            "type": "snapshot",
            "status": self.status(),
            "direction": self.direction,
            "config": self.config.model_dump(),
            "cursor": self.cursor(),
        }

    def since(self, cursor: Json) -> list[Json]:
        """The messages a client with this cursor lacks."""
        if cursor.get("run", "") != self.control["run"]:
            return [self.snapshot()]
        messages: list[Json] = []
        for n, log in self.logs.items():
            missing = [entry for entry in log if entry["iteration"] > cursor.get("agents", {}).get(str(n), -1)]
            if missing:
                messages.append(self._entry_message(n, missing))
        if cursor.get("documents", {}).get("direction.md") != self.direction["etag"]:
            messages.append(self._direction_message())
        return messages

    def listing(self, prefix: str) -> Json:
        """GET /cluster/habitat and /cluster/knowledge."""
        found = [about for key, (_, about) in sorted(self.files.items()) if key.startswith(prefix)]
        return {"files": found, "more": False, "after": ""}

    # What happens to it

    def begin_run(self) -> None:
        """A new run: fresh logs, everyone waiting."""
        at = now()
        self.control = {
            "state": "running",
            "run": at.replace("-", "").replace(":", "").replace(".", ""),
            "reason": "",
            "since": at,
            "started": at,
        }
        self.hosts = -(-self.config.concurrency // 8)
        self._people()
        for info in self.info.values():
            info.update(status="waiting", evidence={"alive": at, "age_seconds": 0.0})

    def _people(self) -> None:
        """As many agents as the configuration asks for, with empty logs."""
        size, radius = self.config.concurrency, self.config.neighbourRadius
        self.logs = {n: [] for n in range(size)}
        self.info = {
            n: {
                "id": n,
                "name": f"agent-{n}",
                "status": "stopped",
                "evidence": {"alive": "", "age_seconds": None},
                "detail": "",
                "until": "",
                "instance": {"id": str(4100 + n // 8), "name": f"host-{n // 8}", "state": "running"},
                "neighbours": list(neighbours(self.config.algorithm, n, size, radius)),
                "metrics": None,
                "inbox": {"visible": 0, "in_flight": 0, "dead": 0},
                "counters": {
                    "wakes": 0,
                    "gated": 0,
                    "rescues": 0,
                    "turns": 0,
                    "failed_turns": 0,
                    "tokens": 0,
                    "cost": 0.0,
                },
                "turn": None,
                "seen": {},
                "directive": False,
                "scripted": True,
            }
            for n in range(size)
        }

    async def act(self, verb: str) -> Json:
        """start, stop, pause, resume."""
        state = self.control["state"]
        if verb == "start":
            if self.refuse:
                raise self.refuse
            if state != "stopped":
                raise WrongState(
                    f"The flock is {state}; one run at a time.", "Stop it first, or change the direction of this run."
                )
            self.begin_run()
        else:
            self.control = {
                **self.control,
                "state": {"stop": "stopped", "pause": "paused", "resume": "running"}[verb],
                "since": now(),
            }
            for info in self.info.values():
                info["status"] = {"stop": "stopped", "pause": "paused", "resume": "waiting"}[verb]
        if verb == "stop" and self.slow_stop:
            self.control["state"] = "stopping"
            for info in self.info.values():
                info["status"] = "waiting"
        await self.say()
        if verb == "start":
            await self.push(self.snapshot())
        for info in self.info.values():
            await self.push({"type": "agent", "agent": info})
        return {"state": self.control["state"], "run": self.control["run"]}

    async def say(self) -> None:
        """The control document, as it is pushed."""
        await self.push(
            {
                "type": "control",
                "control": self.control,
                "hosts": self.host_count(),
                "cursor": {"run": self.control["run"]},
            }
        )

    async def confirm_stop(self) -> None:
        """The last host is gone: the flock has stopped."""
        self.hosts = 0
        self.control = {**self.control, "state": "stopped", "since": now()}
        for info in self.info.values():
            info["status"] = "stopped"
        await self.say()

    async def direct_agent(self, agent: int, text: str) -> Json:
        """The operator gives one agent a directive, or takes it away."""
        if text:
            self.directives[agent] = text
        else:
            self.directives.pop(agent, None)
        self.info[agent]["directive"] = bool(text)
        return {"agent": agent, "text": text, "etag": "e" if text else ""}

    async def begin(self, agent: int, cause: str = "neighbour", woken_by: list[Json] | None = None) -> None:
        """The agent begins a turn."""
        turn = {"iteration": len(self.logs[agent]), "cause": cause, "since": now(), "woken_by": woken_by or []}
        counters = self.info[agent]["counters"]
        await self.change(agent, status="turn", turn=turn, counters={**counters, "wakes": counters["wakes"] + 1})

    def entry(self, agent: int, action: str = "worked", result: str = "done", **more: Any) -> Json:
        """The agent's next line, not yet written."""
        return {
            "ts": now(),
            "iteration": len(self.logs[agent]),
            "action": action,
            "result": result,
            "next_intent": "look for more",
            "state": "working",
            "cause": "start",
            "woken_by": [],
            "seen": {},
            "seen_documents": {"direction": self.direction["etag"]},
            "turn_ms": 1200,
            "files": [],
            "stop_reason": "end_turn",
            **more,
        }

    async def write(self, agent: int, action: str = "worked", result: str = "done", **more: Any) -> Json:
        """The agent appends one entry, which ends its turn."""
        entry = self.entry(agent, action, result, **more)
        self.logs[agent].append(entry)
        counters = self.info[agent]["counters"]
        await self.push(self._entry_message(agent, [entry]))
        status = "idle" if entry["state"] == "idle" else "waiting"
        await self.change(
            agent,
            status=status,
            turn=None,
            evidence={"alive": entry["ts"], "age_seconds": 0.0},
            counters={**counters, "turns": counters["turns"] + 1},
        )
        return entry

    async def change(self, agent: int, **fields: Any) -> None:
        """Change live fields of the agent, and say so."""
        self.info[agent].update(fields)
        await self.push({"type": "agent", "agent": self.info[agent]})

    async def put_file(self, key: str, body: bytes, agent: int | None = None) -> None:
        """A file is written."""
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        iteration = len(self.logs.get(agent, [])) if agent is not None else None
        about = {"key": key, "size": len(body), "modified": now(), "etag": etag, "agent": agent, "iteration": iteration}
        if key in self.files:
            self.older[key] = self.files[key]
        self.files[key] = (body, about)
        await self.push(
            {
                "type": "file",
                "key": key,
                "etag": etag,
                "size": len(body),
                "deleted": False,
                "agent": agent,
                "iteration": iteration,
            }
        )

    async def direct(self, text: str) -> Json:
        """The operator sets a direction."""
        self.direction = {
            "text": text,
            "etag": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
            "modified": now(),
        }
        await self.push(self._direction_message())
        return self.direction

    async def push(self, message: Json) -> None:
        """To every dashboard, unless the network eats it."""
        if self.silent:
            return
        text = json.dumps(message)
        for socket in list(self.sockets):
            try:
                await socket.send_text(text)
            except RuntimeError:  # it closed meanwhile
                self.sockets.discard(socket)

    async def cut(self) -> None:
        """Every connection breaks."""
        for socket in list(self.sockets):
            self.sockets.discard(socket)
            await socket.close(1011)

    def _entry(self, agent: int, index: int) -> Json | None:
        log = self.logs[agent]
        return log[index] if len(log) >= -index else None

    def _entry_message(self, agent: int, entries: list[Json]) -> Json:
        return {
            "type": "entry",
            "agent": agent,
            "entries": entries,
            "cursor": {"agents": {str(agent): entries[-1]["iteration"]}},
        }

    def _direction_message(self) -> Json:
        return {
            "type": "direction",
            "direction": self.direction,
            "cursor": {"documents": {"direction.md": self.direction["etag"]}},
        }
