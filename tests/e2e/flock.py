"""Driving a real flock on one machine, as a person's commands would: over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from murmur.entry import LogEntry
from murmur.local.stack import Stack

PATIENCE_SECONDS = 120.0


class Flock:
    """A running stack and a client of its API."""

    def __init__(self, stack: Stack, client: httpx.AsyncClient) -> None:
        self.stack = stack
        self.client = client

    async def call(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        answer = await self.client.request(method, f"/cluster/{path}", **more)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.content

    async def knowledge(self, files: dict[str, bytes]) -> None:
        for name, body in files.items():
            await self.call("PUT", "knowledge", params={"key": name}, content=body)

    async def start(self, direction: str, **config: Any) -> str:
        begun = await self.call("POST", "start", 202, json={"direction": direction, "config": config})
        return str(begun["run"])

    async def status(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.call("GET", "status")
        return found

    async def until(
        self, wanted: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while True:
            status = await self.status()
            if wanted(status):
                return status
            assert time.monotonic() < end, f"not reached in {seconds} s: {json.dumps(status)[:3000]}"
            await asyncio.sleep(0.25)

    async def until_state(self, *states: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        return await self.until(lambda status: status["state"] in states, seconds)

    async def log(self, agent: int) -> list[LogEntry]:
        entries: list[LogEntry] = []
        while True:
            after = entries[-1].iteration if entries else -1
            page = await self.call("GET", f"agents/{agent}/log", params={"after": after})
            entries += [LogEntry.from_value(value) for value in page["entries"]]
            if not page["more"]:
                return entries

    async def files(self, kind: str = "habitat") -> list[str]:
        page = await self.call("GET", kind)
        return [file["key"] for file in page["files"]]

    async def check_logs(self, agents: int) -> dict[int, list[LogEntry]]:
        logs = {agent: await self.log(agent) for agent in range(agents)}
        for agent, log in logs.items():
            assert [entry.iteration for entry in log] == list(range(len(log))), f"agent-{agent}"
        return logs

    def objects(self) -> dict[str, tuple[float, int]]:
        """Every object of the bucket as it lies on disk: key → when it was written, and how large it is."""
        bucket = next(
            p for p in self.stack.home.endpoint.rglob("*") if p.is_dir() and p.name == self.stack.settings.bucket
        )
        found = (p for p in bucket.rglob("*") if p.is_file() and not p.name.endswith(".meta.json"))
        return {str(p.relative_to(bucket)): (p.stat().st_mtime_ns, p.stat().st_size) for p in found}


@asynccontextmanager
async def flock(home: Path, **more: Any) -> AsyncIterator[Flock]:
    async with Stack(home, **more) as stack, httpx.AsyncClient(base_url=stack.url, timeout=60) as client:
        yield Flock(stack, client)


def processes(part: str) -> list[psutil.Process]:
    """This process's own descendants whose command line holds ``part``."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if part in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def documents(count: int) -> dict[str, bytes]:
    """Small documents with something to extract."""
    return {
        f"part {i // 5}/note-{i}.md": (
            f"# Note {i}\n\nThe heron number {i} stands in the river and waits. A fish passes and the heron does not move. "
            f"Patience of {i} minutes is rewarded.\n\n## Weather\n\nRain fell on day {i}; the river rose by {i} centimetres.\n"
        ).encode()
        for i in range(count)
    }
