"""What a FakeFlock answers of queues, of versions of files, and of earlier runs."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from murmur.config import FlockConfig
from murmur.errors import NotFound, ObjectMissing
from murmur.inspector import PEEK_NOTE
from murmur.pattern import wiring_for
from tests.browser.fake.flock import FakeFlock

Json = dict[str, Any]


@dataclass
class PastRun:
    """An earlier run, entirely."""

    run: str
    started: str
    ended: str = ""
    reason: str = "stopped by the operator"
    direction: str = "Digest every document, then write one index."
    config: FlockConfig = field(default_factory=FlockConfig)
    pauses: tuple[Json, ...] = ()
    logs: dict[int, list[Json]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    current: bool = False

    def summary(self) -> Json:
        """Its row in GET /cluster/history."""
        entries = sum(len(log) for log in self.logs.values())
        counts = {"entries": entries, "files": len(self.files), "agents": len(self.logs)}
        return {**self._noted(), **counts}

    def detail(self) -> Json:
        """GET /cluster/history/{run}."""
        files = [
            {"key": key, "size": len(body), "modified": self.ended or self.started, "etag": "e", "agent": None}
            for key, body in sorted(self.files.items())
        ]
        return {
            **self._noted(),
            "current": self.current,
            "config": self.config.model_dump(),
            "pauses": list(self.pauses),
            "agents": [{"id": agent, "entries": len(log)} for agent, log in sorted(self.logs.items())],
            "files": files,
            "more": False,
            "after": "",
        }

    def _noted(self) -> Json:
        names = ("run", "started", "ended", "reason", "direction")
        return {name: getattr(self, name) for name in names}


class Rooms:
    """The routes."""

    def __init__(self, flock: FakeFlock) -> None:
        self.flock = flock

    def routes(self) -> list[BaseRoute]:
        """To be asked before the flock's own, which end in a wildcard."""
        return [
            Route("/cluster/queues", self.queues),
            Route("/cluster/queues/{agent:int}", self.queue),
            Route("/cluster/queues/{agent:int}/{act:str}", self.act, methods=["POST"]),
            Route("/cluster/habitat.zip", self.archive),
            Route("/cluster/{folder:str}/versions", self.versions),
            Route("/cluster/history", self.history),
            Route("/cluster/history/{run:str}", self.run),
            Route("/cluster/history/{run:str}/file", self.run_file),
            Route("/cluster/history/{run:str}/versions", self.versions),
            Route("/cluster/history/{run:str}/agents/{agent:int}/log", self.run_log),
        ]

    async def queues(self, _: Request) -> Response:
        alive = self.flock.control["state"] != "stopped"
        found = [self.one(agent) for agent in self.flock.info] if alive else []
        shown = [{name: value for name, value in queue.items() if name != "deliveries"} for queue in found]
        return JSONResponse({"queues": shown, "dead_letters": sum(queue["inbox"]["dead"] for queue in found)})

    async def queue(self, request: Request) -> Response:
        return JSONResponse(self.one(request.path_params["agent"]))

    async def act(self, request: Request) -> Response:
        agent, act = request.path_params["agent"], request.path_params["act"]
        inbox = self.one(agent)["inbox"]
        if act == "peek":
            event = self.flock.peeked or '{"detail": {"object": {"key": "store/agent-1.ndjson"}}}'
            message = {"body": event, "receives": 2, "sent": self.flock.control["since"]}
            return JSONResponse({"messages": [message] * inbox["visible"], "note": PEEK_NOTE})
        if act == "redrive":
            moved, inbox["dead"] = inbox["dead"], 0
            inbox["visible"] += moved
            return JSONResponse({"agent": agent, "moved": moved})
        thrown = inbox["visible"] + inbox["in_flight"]
        inbox.update(visible=0, in_flight=0)
        return JSONResponse({"agent": agent, "messages": thrown})

    def one(self, agent: int) -> Json:
        """One agent's queue. Raises NotFound."""
        if agent not in self.flock.info or self.flock.control["state"] == "stopped":
            raise NotFound(f"agent-{agent} has no queue.", "Queues exist from a start to its stop.")
        info, name = self.flock.info[agent], f"murmur-{self.flock.control['run']}-agent-{agent}"
        return {
            "agent": agent,
            "rule": name,
            "queue": name,
            "pattern": wiring_for("flock", self.flock.config, agent).pattern(),
            "inbox": info["inbox"],
            "counters": info["counters"],
            "deliveries": self.flock.deliveries.get(agent, []),
        }

    async def archive(self, _: Request) -> Response:
        return Response(b"PK\x05\x06" + b"\0" * 18, media_type="application/zip")

    async def versions(self, request: Request) -> Response:
        key = request.query_params["key"]
        if "run" in request.path_params:
            now = {"size": 1, "modified": "", "agent": 1, "iteration": 1}
            return JSONResponse({"key": key, "current": now, "previous": None})
        if key not in self.flock.files:
            raise ObjectMissing(key)
        names = ("size", "modified", "agent", "iteration")
        now, old = self.flock.files[key][1], self.flock.older.get(key)
        previous = {name: old[1][name] for name in names} if old else None
        return JSONResponse({"key": key, "current": {name: now[name] for name in names}, "previous": previous})

    async def history(self, _: Request) -> Response:
        runs = [run.summary() for run in sorted(self.flock.past.values(), key=lambda run: run.run, reverse=True)]
        return JSONResponse({"runs": [run for run in runs if run["run"] != self.flock.control["run"]], "more": False})

    async def run(self, request: Request) -> Response:
        return JSONResponse(self._run(request).detail())

    async def run_log(self, request: Request) -> Response:
        log = self._run(request).logs[request.path_params["agent"]]
        after, limit = int(request.query_params.get("after", -1)), int(request.query_params.get("limit", 200))
        newer = [entry for entry in log if entry["iteration"] > after]
        return JSONResponse({"entries": newer[:limit], "more": len(newer) > limit, "bad_lines": 0})

    async def run_file(self, request: Request) -> Response:
        key = request.query_params["key"]
        if key not in self._run(request).files:
            raise ObjectMissing(key)
        body = self._run(request).files[key]
        if request.query_params.get("rendered") == "html":
            return PlainTextResponse(f"<p>{body.decode()}</p>", media_type="text/html")
        return Response(body, media_type=mimetypes.guess_type(key)[0] or "text/plain")

    def _run(self, request: Request) -> PastRun:
        name = request.path_params["run"]
        if name == self.flock.control["run"]:
            return self.present()
        if name not in self.flock.past:
            raise NotFound(f"There is no run {name!r} in the history.", "GET /cluster/history lists them.")
        run: PastRun = self.flock.past[name]
        return run

    def present(self) -> PastRun:
        """The flock's own run, as one to look back on."""
        flock, control = self.flock, self.flock.control
        ended = control["since"] if control["state"] == "stopped" else ""
        files = {key: body for key, (body, _) in flock.files.items() if key.startswith("output/")}
        return PastRun(
            run=control["run"],
            started=control["started"],
            ended=ended,
            direction=flock.direction["text"],
            config=flock.config,
            pauses=flock.pauses,
            logs=flock.logs,
            files=files,
            current=True,
        )
