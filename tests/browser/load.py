"""Work for the page, and what it does to the page: how long its main thread is kept busy at a time, its elements, its heap."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from playwright.async_api import Browser, Page, expect

from tests.browser.fake.flock import FakeFlock

HELD = """() => {
    const { store } = document.querySelector("murmur-frame").app;
    return Object.fromEntries([...store.agents].map(([id, { log }]) => [id, log.entries.map(({ iteration }) => iteration)]));
}"""


async def held(page: Page) -> dict[int, list[int]]:
    """The iterations the page holds of every agent's log."""
    return {int(agent): iterations for agent, iterations in (await page.evaluate(HELD)).items()}


async def caught_up(page: Page, flock: FakeFlock) -> None:
    """Wait until the page has the newest entry of every agent."""
    await newest_held(page, {n: log[-1]["iteration"] for n, log in flock.logs.items() if log})


async def newest_held(page: Page, newest: dict[int, int]) -> None:
    """Wait until the page has these iterations, or newer ones, of these agents."""
    await page.wait_for_function(
        """(newest) => {
            const { store } = document.querySelector("murmur-frame").app;
            return Object.entries(newest).every(([id, iteration]) => (store.agents.get(Number(id))?.log.have ?? -1) >= iteration);
        }""",
        arg=newest,
        timeout=60_000,
    )


async def all_sent(page: Page, flock: FakeFlock) -> None:
    """Wait until whatever the page has sent over its socket so far is at the server."""

    def asked() -> int:
        return sum(1 for method, kind, _ in flock.requests if (method, kind) == ("WS", "snapshot"))

    before = asked()
    await page.evaluate("document.querySelector('murmur-frame').app.live.refresh()")
    async with asyncio.timeout(30):
        while asked() == before:
            await asyncio.sleep(0.01)


async def write_steadily(flock: FakeFlock, per_second: float, over: asyncio.Event, most: int = 100_000) -> int:
    """Turns of one agent after the other at this rate until it is ``over``, each woken by the one before. How many were written."""
    clock = asyncio.get_running_loop().time
    began, written, size = clock(), 0, len(flock.logs)
    while not over.is_set() and written < most:
        await asyncio.sleep(max(0.0, began + written / per_second - clock()))
        agent = (written * 7) % size
        near = flock.info[agent]["neighbours"][0]
        waker = [{"agent": near, "iteration": max(0, len(flock.logs[near]) - 1)}]
        await flock.begin(agent, woken_by=waker)
        await flock.write(agent, f"turn {written}", "done", cause="neighbour", woken_by=waker, wake_ms=12)
        written += 1
    return written


@dataclass(frozen=True)
class Busy:
    """The main thread's longest tasks in ms, longest first: by the clock, and by the processor time they took."""

    by_clock: list[float]
    by_processor: list[float]


class MainThread:
    """Watches a page's main thread from ``start`` to ``stop``."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self._browser = browser
        self._page = page

    async def start(self) -> None:
        """Begin."""
        await self._browser.start_tracing(
            page=self._page, categories=["toplevel", "disabled-by-default-devtools.timeline"]
        )

    async def stop(self) -> Busy:
        """End, and tell. Another process on the same core lengthens a task by the clock only."""
        events = json.loads(await self._browser.stop_tracing())["traceEvents"]
        mains = {
            (event["pid"], event["tid"])
            for event in events
            if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
        }
        tasks = [
            event
            for event in events
            if event.get("ph") == "X" and (event["pid"], event["tid"]) in mains and event["name"].endswith("RunTask")
        ]
        by_clock = sorted((task["dur"] / 1000 for task in tasks), reverse=True)[:5]
        by_processor = sorted((task.get("tdur", 0) / 1000 for task in tasks), reverse=True)[:5]
        return Busy(by_clock, by_processor)


async def size_of(page: Page) -> tuple[int, float]:
    """Elements of the document, and MB of heap after a collection."""
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    heap = await session.send("Runtime.getHeapUsage")
    await session.detach()
    return await page.evaluate("document.querySelectorAll('*').length"), heap["usedSize"] / 1e6


async def log_read(page: Page, agent: int) -> list[int]:
    """The agent's whole log as the page shows it, read by scrolling from its newest entry to its first."""
    await page.evaluate("agent => document.querySelector('murmur-frame').app.router.go({ agent })", agent)
    await expect(page.locator("murmur-detail .card-title")).to_have_text(f"Agent {agent}")
    return await page.evaluate(
        """async () => {
            const log = document.querySelector("murmur-log");
            const frame = () => new Promise(requestAnimationFrame);
            const seen = new Set();
            const deadline = performance.now() + 20_000;
            while (performance.now() < deadline) {
                await frame();
                await frame();
                const rows = [...log.querySelectorAll("[data-entry]")].map((row) => Number(row.dataset.entry));
                for (const row of rows) seen.add(row);
                if (rows.length !== new Set(rows).size) return ["doubled", ...rows];
                if (seen.has(0) && !log.querySelector(".is-waiting")) break;
                if (!log.querySelector(".is-waiting")) log.scrollTop += log.clientHeight / 2;
            }
            return [...seen].sort((a, b) => a - b);
        }"""
    )
