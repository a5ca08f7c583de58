"""How fresh the dashboard is: an agent's put → its words are painted, through the real endpoint, gateway and browser."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.async_api import Page

from murmur import keys
from murmur.aws.adapters import Adapters, open_adapters
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.entry import LogEntry, timestamp
from murmur.local.stack import Stack
from tests.bench.findings import Findings, Table
from tests.bench.stats import ms, percentile
from tests.browser import chromium as chrome

PUTS: Final = 100
PUTS_SMALL: Final = 10
PUTS_PER_SECOND: Final = 5
_LAST_SECONDS: Final = 10.0
_WATCH: Final = """() => {
    window.painted = {};
    const look = () => {
        for (const { textContent } of document.querySelectorAll("murmur-feed .said")) {
            const put = /^put (\\d+)$/.exec(textContent)?.[1];
            if (put === undefined || painted[put]) continue;
            painted[put] = -1;
            requestAnimationFrame(() => setTimeout(() => { painted[put] = Date.now(); }));  // the frame has been painted
        }
    };
    new MutationObserver(look).observe(document.querySelector("main"), { childList: true, characterData: true, subtree: true });
}"""


async def _puts(adapters: Adapters, agents: int, puts: int) -> dict[int, float]:
    """Append a line to one log after the other at a steady rate; when each put began, in ms since 1970."""
    bodies: dict[int, bytes] = {}
    began: dict[int, float] = {}
    start = time.monotonic()
    for count in range(puts):
        await asyncio.sleep(max(0.0, start + count / PUTS_PER_SECOND - time.monotonic()))
        agent, iteration = count % agents, count // agents
        at = timestamp(SystemClock().now())
        entry = LogEntry(ts=at, iteration=iteration, action=f"put {count}", result="r", next_intent="n")
        bodies[agent] = bodies.get(agent, b"") + entry.to_line()
        began[count] = time.time() * 1000
        await adapters.store.put(keys.log(agent), bodies[agent])
    return began


async def _painted(page: Page, puts: int) -> dict[int, float]:
    """When each put was painted, once all are, or no more come."""
    deadline = time.monotonic() + _LAST_SECONDS
    while time.monotonic() < deadline:
        found = await page.evaluate("painted")
        if len(found) == puts and min(found.values()) > 0:
            break
        await asyncio.sleep(0.1)
    return {int(put): at for put, at in found.items() if at > 0}


async def _measure(agents: int, puts: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as home:
        async with Stack(Path(home)) as stack, chrome.chromium() as browser:
            adapters = open_adapters(stack.settings, stack._endpoint.environment)
            await adapters.store.put(keys.CONFIG, FlockConfig(concurrency=agents).to_json())
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            await page.goto(stack.url)
            await page.locator(".live[data-kind=live]").wait_for()
            await page.locator(".node").nth(agents - 1).wait_for(state="attached")
            await page.evaluate(_WATCH)
            began = await _puts(adapters, agents, puts)
            painted = await _painted(page, puts)
            adapters.close()
    return [(painted[put] - at) / 1000 for put, at in began.items() if put in painted]


async def measure(small: bool) -> Findings:
    """A small and a large flock."""
    if chrome.path() is None:
        return Findings("Not measured: Chromium is not installed on this machine (`apt-get install chromium`).")
    count = PUTS_SMALL if small else PUTS
    rows = []
    for agents in (8,) if small else (8, 64):
        took = await _measure(agents, count)
        p50, p95, p99 = (ms(percentile(took, rank), 0) for rank in (50, 95, 99))
        rows.append((str(agents), p50, p95, p99, f"{len(took)} of {count}"))
    return Findings(
        f"{count} lines put at {PUTS_PER_SECOND}/s to one log after the other; from the put until headless Chromium has painted the line's words, "
        "through endpoint, gateway and WebSocket.",
        (Table(("agents", "p50, ms", "p95", "p99", "painted"), tuple(rows)),),
    )
