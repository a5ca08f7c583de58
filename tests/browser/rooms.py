"""Pictures of timeline, inspector, environment, history and replay, in both lights; taken by ``python -m tests.browser.screenshots``."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page

from murmur.entry import timestamp
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.scenes import earlier, working
from tests.browser.fake.server import serving

DOCS = ("timeline", "timeline-dark", "inspector", "inspector-dark", "replay", "replay-dark", "environment")
NAMES = (
    *DOCS,
    "environment-dark",
    "history",
    "history-dark",
    "timeline-64",
    "timeline-phone",
    "inspector-phone",
    "replay-phone",
)


async def take_rooms(browser: Browser, folder: Path, wanted: Collection[str]) -> None:
    """Take those wanted."""
    for name in NAMES:
        if name in wanted:
            await _take(browser, name, folder)


async def _take(browser: Browser, name: str, folder: Path) -> None:
    view, _, form = name.partition("-")
    flock = await working(*((64, 2) if form == "64" else (8, 1)))
    phone = form == "phone"
    async with serving(flock) as address:
        page = await browser.new_page(
            viewport={"width": 390, "height": 844} if phone else {"width": 1440, "height": 900},
            color_scheme="dark" if form == "dark" else "light",
            device_scale_factor=2 if phone else 1,
        )
        await page.goto(address + _place(view, flock))
        await page.locator(".live[data-kind=live]").wait_for()
        await _arrange(page, view)
        await page.mouse.move(0, 0)
        await asyncio.sleep(0.8)
        folder.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=folder / f"{name}.png")
        await page.close()


def _place(view: str, flock: FakeFlock) -> str:
    past = earlier(flock)
    moment = timestamp(datetime.fromisoformat(past.started) + timedelta(seconds=64))
    return {
        "timeline": "/#/timeline",
        "inspector": "/#/queues?agent=1",
        "environment": "/#/environment?file=output%2Freports%2Fwake.md",
        "history": "/#/history",
        "replay": f"/#/?run={past.run}&t={moment}&agent=2",
    }[view]


async def _arrange(page: Page, view: str) -> None:
    if view == "timeline":
        await page.locator(".tl-board").wait_for()
        await asyncio.sleep(1)
        await page.locator(".tl-board").focus()
        for key in ("End", "ArrowDown", "ArrowDown", "ArrowLeft", "0"):
            await page.keyboard.press(key)
        await page.locator(".why tbody tr").first.wait_for()
        await page.evaluate("document.activeElement.blur()")
    elif view == "inspector":
        await page.locator("murmur-queue tbody tr").first.wait_for()
    elif view == "environment":
        await page.get_by_role("button", name="Changes").click()
        await page.locator(".diff").wait_for()
    elif view == "history":
        await page.locator("ol.runs .run").first.wait_for()
    else:
        await page.locator(".replay-density path").wait_for(state="attached")
        await page.locator("murmur-detail .log-entry").first.wait_for()
