"""A small flock that only pretends, for the tests of the command: the routes and shapes of the real one, and a script.

Its own tests are those of the client, which is the first to meet it.
"""

import asyncio
import contextlib
import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from murmur.cli.client import Answered, Client
from murmur.cli.find import Target, Unreachable
from murmur.errors import Conflict

RUN = "20261123T060000Z"


def entry(iteration: int, **more: Any) -> dict[str, Any]:
    return {
        "ts": f"2026-11-23T06:00:{iteration % 60:02d}.000Z",
        "iteration": iteration,
        "action": f"did {iteration}",
        "result": "well",
        "next_intent": "more",
        "state": "working",
        "cause": "start" if iteration == 0 else "neighbour",
        "woken_by": [] if iteration == 0 else [{"agent": 1, "iteration": iteration - 1}],
        "files": [],
    } | more


@dataclass
class FakeFlock:
    """Serves on ``url``. ``script`` steps run one at each status request after a start."""

    size: int = 3
    state: str = "stopped"
    run: str = ""
    reason: str = ""
    text: str = ""
    config: dict[str, Any] = field(default_factory=lambda: {"concurrency": 3, "maxRunMinutes": 120.0})
    knowledge: dict[str, bytes] = field(default_factory=dict)
    output: dict[str, bytes] = field(default_factory=dict)
    entries: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    agents: dict[int, dict[str, Any]] = field(default_factory=dict)
    totals: dict[str, Any] = field(default_factory=dict)
    script: list[Callable[["FakeFlock"], None]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refuse: dict[str, tuple[int, Any]] = field(default_factory=dict)
    stops_at_once: bool = True
    with_socket: bool = False
    page: int = 1000
    url: str = ""
    sockets: list[Any] = field(default_factory=list)
    loop: Any = None

    def status(self) -> dict[str, Any]:
        agents = []
        for number in range(self.size):
            log = self.entries.get(number, [])
            agents.append(
                {
                    "id": number,
                    "name": f"agent-{number}",
                    "status": "stopped" if self.state == "stopped" else "idle",
                    "evidence": {"alive": "", "age_seconds": 1.5},
                    "detail": "",
                    "until": "",
                    "instance": None,
                    "last": log[-1] if log else None,
                    "previous": log[-2] if len(log) > 1 else None,
                    "neighbours": [(number - 1) % self.size, (number + 1) % self.size],
                    "metrics": None,
                    "inbox": {"visible": 1, "in_flight": 0, "dead": 0},
                    "counters": {"turns": len(log), "wakes": 4, "gated": 1, "rescues": 0},
                    "turn": None,
                    "directive": False,
                }
                | self.agents.get(number, {})
            )
        return {
            "state": self.state,
            "run": self.run,
            "reason": self.reason,
            "since": "2026-11-23T06:00:00.000Z",
            "started": "2026-11-23T06:00:00.000Z",
            "now": "2026-11-23T06:00:30.000Z",
            "scripted": True,
            "runner": "scripted",
            "concurrency": self.size,
            "algorithm": "amorphous",
            "neighbourRadius": 1,
            "totals": {
                "turns": sum(map(len, self.entries.values())),
                "wakes": 12,
                "gated": 3,
                "rescues": 1,
                "files": len(self.output),
            }
            | self.totals,
            "agents": agents,
        }

    def push(self, message: dict[str, Any]) -> None:
        for ws in list(self.sockets):
            asyncio.run_coroutine_threadsafe(ws.send_text(json.dumps(message)), self.loop).result(5)

    # ── the routes ──

    async def answer(self, request: Request) -> Response:
        path, method = request.url.path, request.method
        self.requests.append((method, path))
        self.headers.append(dict(request.headers))
        body = await request.body()
        refused = self.refuse.get(f"{method} {path}")
        if refused:
            status, value = refused
            return value if isinstance(value, Response) else JSONResponse(value, status)
        handler = getattr(self, f"on_{path.removeprefix('/cluster/').replace('.', '_').split('/')[0]}")
        result = handler(request, body)
        return result if isinstance(result, Response) else JSONResponse(result)

    def on_status(self, _request: Request, _body: bytes) -> Any:
        if self.script and self.state in ("starting", "running", "settled"):
            self.script.pop(0)(self)
        return self.status()

    def on_start(self, _request: Request, body: bytes) -> Any:
        if self.state != "stopped":
            return error(409, "wrong_state", "The flock is running.", "Stop it first.")
        asked = json.loads(body)
        self.bodies.append(asked)
        self.text = asked.get("direction", self.text)
        self.config |= asked.get("config", {})
        self.size = self.config["concurrency"]
        self.state, self.run = "starting", RUN
        return JSONResponse({"state": self.state, "run": self.run}, 202)

    def on_stop(self, _request: Request, _body: bytes) -> Any:
        self.state = "stopped" if self.stops_at_once else "stopping"
        return JSONResponse({"state": self.state, "run": self.run}, 202)

    def on_pause(self, _request: Request, _body: bytes) -> Any:
        self.state = "paused"
        return {"state": self.state, "run": self.run}

    def on_resume(self, _request: Request, _body: bytes) -> Any:
        self.state = "running"
        return {"state": self.state, "run": self.run}

    def on_config(self, request: Request, body: bytes) -> Any:
        if request.method == "PUT":
            self.config |= json.loads(body)
        return self.config

    def on_direction(self, request: Request, body: bytes) -> Any:
        if request.method == "PUT":
            self.text = json.loads(body)["text"]
        return {"text": self.text, "etag": "e", "modified": ""}

    def on_agents(self, request: Request, body: bytes) -> Any:
        number, what = request.url.path.split("/")[3:5]
        if int(number) >= self.size:
            return error(404, "not_found", f"There is no agent-{number}.", "The flock has agent-0 to agent-2.")
        if what == "directive":
            self.bodies.append(json.loads(body) if body else None)
            return {"agent": int(number), "text": "", "etag": ""}
        after = int(request.query_params.get("after", "-1"))
        found = [line for line in self.entries.get(int(number), []) if line["iteration"] > after]
        return {"agent": int(number), "entries": found[: self.page], "more": len(found) > self.page, "bad_lines": 0}

    def on_habitat(self, request: Request, _body: bytes) -> Any:
        if request.url.path.endswith("/file"):
            key = request.query_params["key"]
            if key not in self.output:
                return error(404, "object_missing", f"There is no object {key!r}.", "List the folder.")
            whole = self.output[key]
            offset = int(request.query_params.get("offset", "0"))
            part = whole[offset : offset + int(request.query_params.get("length", str(len(whole))))]
            return Response(part, headers={"ETag": f'"{hash(whole)}"', "Murmur-Size": str(len(whole))})
        return self.listing(self.output, request)

    def on_habitat_zip(self, _request: Request, _body: bytes) -> Any:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            for key, body in self.output.items():
                archive.writestr(key.removeprefix("output/"), body)
        return Response(held.getvalue(), media_type="application/zip")

    def on_knowledge(self, request: Request, body: bytes) -> Any:
        key = "knowledge-base/" + request.query_params.get("key", "")
        if request.method == "PUT":
            if len(body) > 1000:
                return error(413, "too_large", "The file has too many bytes.", "Split it.")
            self.knowledge[key] = body
        elif request.method == "DELETE":
            self.knowledge.pop(key, None)
        else:
            return self.listing(self.knowledge, request)
        return {"ok": True}

    def listing(self, files: dict[str, bytes], request: Request) -> Any:
        names = sorted(name for name in files if name > request.query_params.get("after", ""))
        rows = [
            {
                "key": name,
                "size": len(files[name]),
                "modified": "2026-11-23T06:00:00Z",
                "etag": "e",
                "agent": 1,
                "iteration": 2,
            }
            for name in names[: self.page]
        ]
        more = len(names) > self.page
        return {"files": rows, "more": more, "after": rows[-1]["key"] if more else ""}

    def on_history(self, request: Request, _body: bytes) -> Any:
        if request.url.path.count("/") == 2:
            return {"runs": [{"run": RUN, "started": "2026-11-23T06:00:00Z", "entries": 7, "files": 2}], "more": False}
        return {
            "run": RUN,
            "agents": [{"id": 0, "entries": 7}],
            "files": [{"key": "output/a.md", "size": 3}],
            "more": False,
        }

    def on_queues(self, request: Request, _body: bytes) -> Any:
        pattern = {"detail": {"object": {"key": ["store/agent-0.ndjson", {"anything-but": ["x"]}]}}}
        queue = {
            "agent": 1,
            "rule": "murmur-r-agent-1",
            "queue": "murmur-q-agent-1",
            "pattern": pattern,
            "inbox": {"visible": 5, "in_flight": 6, "dead": 7},
            "counters": {"wakes": 8, "gated": 9, "rescues": 10},
        }
        if request.url.path.endswith("/redrive"):
            return {"agent": 1, "moved": 2}
        if request.url.path.endswith("/purge"):
            return {"agent": 1, "messages": 11}
        if request.method == "POST":
            return {"messages": [{"body": "hello\x1b[31m", "receives": 1, "sent": ""}], "note": "counts as a receive"}
        if request.url.path.count("/") == 3:
            delivery = {
                "key": "store/agent-0.ndjson",
                "version": "abc",
                "received": "",
                "receives": 1,
                "became": "turn",
                "iteration": 4,
            }
            return queue | {"deliveries": [delivery]}
        return {"queues": [queue]}

    def on_ticket(self, _request: Request, _body: bytes) -> Any:
        if not self.with_socket:
            return error(404, "no_route", "There is no such route.", "")
        return {"ticket": "t/1", "expires_seconds": 30}

    async def live(self, ws: WebSocket) -> None:
        if ws.query_params.get("ticket") != "t/1":
            await ws.close()
            return
        await ws.accept()
        self.loop = asyncio.get_running_loop()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                asked = json.loads(await ws.receive_text())
                if asked["type"] == "snapshot":
                    await ws.send_text(json.dumps({"type": "snapshot", "status": self.status()}))
                    self.sockets.append(ws)
        if ws in self.sockets:
            self.sockets.remove(ws)


def error(status: int, code: str, message: str, remedy: str) -> JSONResponse:
    return JSONResponse({"error": f"{message} {remedy}", "code": code, "message": message, "remedy": remedy}, status)


@contextlib.contextmanager
def serving(flock: FakeFlock) -> Iterator[FakeFlock]:
    methods = ["GET", "PUT", "POST", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", flock.answer, methods=methods), WebSocketRoute("/live", flock.live)])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: server.run([listener]), daemon=True)
    thread.start()
    flock.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield flock
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


def wait_for(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_an_error_answer_keeps_its_message_and_remedy(flock: FakeFlock) -> None:
    with Client(Target(flock.url)) as client, pytest.raises(Answered) as caught:
        list(client.log(9))
    assert caught.value.message == "There is no agent-9."
    assert caught.value.remedy == "The flock has agent-0 to agent-2."
    assert (caught.value.status, caught.value.answer_code) == (404, "not_found")


def test_what_is_no_flock_is_told_from_an_error_of_the_flock(flock: FakeFlock) -> None:
    flock.refuse["GET /cluster/status"] = (200, Response("<html>hello</html>"))
    with Client(Target(flock.url)) as client, pytest.raises(Answered, match="not a flock's API"):
        client.status()


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(Target(f"http://127.0.0.1:{port}")) as client, pytest.raises(Unreachable, match="cannot be reached"):
        client.status()


def test_logs_and_listings_are_read_to_their_last_page(flock: FakeFlock) -> None:
    flock.page = 2
    flock.entries[1] = [entry(n) for n in range(7)]
    flock.output = {f"output/{n}.md": b"x" for n in range(5)}
    with Client(Target(flock.url)) as client:
        assert [line["iteration"] for line in client.log(1)] == list(range(7))
        assert [line["iteration"] for line in client.log(1, after=4)] == [5, 6]
        assert len(list(client.listing("/cluster/habitat"))) == 5


def test_a_large_file_comes_in_parts_and_whole(flock: FakeFlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murmur.cli.client.PART_BYTES", 1000)
    flock.output["output/big.bin"] = bytes(range(256)) * 20
    flock.output["output/empty"] = b""
    with Client(Target(flock.url)) as client:
        held = io.BytesIO()
        assert client.file("output/big.bin", held) == 5120
        assert held.getvalue() == flock.output["output/big.bin"]
        assert client.file("output/empty", io.BytesIO()) == 0


def test_a_file_that_changes_between_two_parts_is_never_put_together_from_both() -> None:
    versions = iter(range(100))

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"x" * 10, headers={"etag": f"v{next(versions)}", "murmur-size": "20"})

    with Client(Target("http://127.0.0.1:1"), httpx.MockTransport(answer)) as client, pytest.raises(Conflict):
        client.file("output/hot", io.BytesIO())


def test_the_token_is_sent_and_a_bare_request_has_none(flock: FakeFlock) -> None:
    with Client(Target(flock.url, token="secret")) as client:
        client.status()
    with Client(Target(flock.url)) as client:
        client.status()
    assert flock.headers[0]["authorization"] == "Bearer secret"
    assert "authorization" not in flock.headers[1]
