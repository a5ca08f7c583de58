"""How fresh the dashboard is: an agent's put → its words are painted, through the real endpoint, gateway and browser."""

from __future__ import annotations

import asyncio
import statistics
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
from tests.browser import chromium as chrome

PUTS: Final = 100
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


async def _puts(adapters: Adapters, agents: int) -> dict[int, float]:
    """Append a line to one log after the other at a steady rate; when each put began, in ms since 1970."""
    bodies: dict[int, bytes] = {}
    began: dict[int, float] = {}
    start = time.monotonic()
    for count in range(PUTS):
        await asyncio.sleep(max(0.0, start + count / PUTS_PER_SECOND - time.monotonic()))
        agent, iteration = count % agents, count // agents
        at = timestamp(SystemClock().now())
        entry = LogEntry(ts=at, iteration=iteration, action=f"put {count}", result="r", next_intent="n")
        bodies[agent] = bodies.get(agent, b"") + entry.to_line()
        began[count] = time.time() * 1000
        await adapters.store.put(keys.log(agent), bodies[agent])
    return began


async def _painted(page: Page) -> dict[int, float]:
    """When each put was painted, once all are, or no more come."""
    deadline = time.monotonic() + _LAST_SECONDS
    while time.monotonic() < deadline:
        found = await page.evaluate("painted")
        if len(found) == PUTS and min(found.values()) > 0:
            break
        await asyncio.sleep(0.1)
    return {int(put): at for put, at in found.items() if at > 0}


async def _measure(agents: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as home:
        async with Stack(Path(home)) as stack, chrome.chromium() as browser:
            adapters = open_adapters(stack.settings, stack._endpoint.environment)
            await adapters.store.put(keys.CONFIG, FlockConfig(concurrency=agents).to_json())
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            await page.goto(stack.url)
            await page.locator(".live[data-kind=live]").wait_for()
            await page.locator(".node").nth(agents - 1).wait_for(state="attached")
            await page.evaluate(_WATCH)
            began = await _puts(adapters, agents)
            painted = await _painted(page)
            adapters.close()
    return [(painted[put] - at) / 1000 for put, at in began.items() if put in painted]


async def main() -> None:
    """Print the table."""
    if chrome.path() is None:
        print("pixel: skipped, because Chromium is not installed (apt-get install chromium)")
        return
    print(f"pixel: {PUTS} puts at {PUTS_PER_SECOND}/s, put → painted by Chromium; ms")
    print(f"{'agents':>6} {'p50':>7} {'p95':>7} {'p99':>7} {'painted':>8}")
    for agents in (8, 64):
        took = await _measure(agents)
        ranked = statistics.quantiles(took, n=100)
        p50, p95, p99 = (ranked[rank - 1] * 1000 for rank in (50, 95, 99))
        print(f"{agents:>6} {p50:>7.0f} {p95:>7.0f} {p99:>7.0f} {len(took):>4}/{PUTS}")
