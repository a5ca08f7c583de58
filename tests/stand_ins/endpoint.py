"""A model's endpoint on loopback, byte for byte as a test wants it: pieces, pauses, silence, and it notices who hangs up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

FOR_EVER = 1e9


@dataclass
class Reply:
    """What is sent: bytes at once, a number as a pause in seconds. The body ends with the connection."""

    parts: Sequence[bytes | float]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})


@dataclass
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.raw)
        return value


Script = Callable[[Asked, int], Reply]


class Endpoint:
    """Answers request ``n`` with ``script(asked, n)``."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.hung_up = asyncio.Event()
        self.talking = asyncio.Event()
        """Set when a reply has begun."""
        self.url = ""
        self._serving: set[asyncio.Task[None]] = set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
            raw = await reader.readexactly(int(headers.get("content-length", "0")))
            asked = Asked(head[0].split()[1], headers, raw)
            self.asked.append(asked)
            reply = self.script(asked, len(self.asked) - 1)
            gone = asyncio.create_task(reader.read())
            try:
                await self._send(reply, writer, gone)
            finally:
                gone.cancel()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _send(self, reply: Reply, writer: asyncio.StreamWriter, gone: asyncio.Task[bytes]) -> None:
        lines = [
            f"HTTP/1.1 {reply.status} Whatever",
            *(f"{n}: {v}" for n, v in reply.headers.items()),
            "connection: close",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for part in reply.parts:
            self.talking.set()
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
                continue
            done, _ = await asyncio.wait([gone], timeout=part)
            if done:
                self.hung_up.set()
                return


@asynccontextmanager
async def endpoint(script: Script) -> AsyncIterator[Endpoint]:
    made = Endpoint(script)
    server = await asyncio.start_server(made._accept, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        for task in made._serving:
            task.cancel()
        if made._serving:
            await asyncio.wait(made._serving)
        await server.wait_closed()


def event(value: Any) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def usage(given: int = 100, made: int = 10) -> bytes:
    return event({"choices": [], "usage": {"prompt_tokens": given, "completion_tokens": made}})


def call(tool: str, number: int = 0, **arguments: Any) -> bytes:
    return raw_call(tool, json.dumps(arguments), number)


def raw_call(tool: str, arguments: str, number: int = 0) -> bytes:
    function = {"name": tool, "arguments": arguments}
    return chunk({"tool_calls": [{"index": number, "id": f"c{number}", "type": "function", "function": function}]})


def done(finish: str = "tool_calls") -> bytes:
    return chunk({}, finish) + usage() + event(b"[DONE]")


def says(*parts: bytes, finish: str = "tool_calls") -> Reply:
    """A whole answer."""
    return Reply([*parts, done(finish)])


def broadcast(number: int = 0, state: str = "idle") -> bytes:
    return call("broadcast", number, action="worked", result="it is done", next_intent="rest", state=state)


def refuses(status: int, message: str, **headers: str) -> Reply:
    body = json.dumps({"error": {"message": message, "type": "whatever"}}).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply([body], status, {"content-type": "application/json", **given})
