"""Pictures of the dashboard: ``python -m tests.browser.screenshots [FOLDER [NAME…]]``; without a folder, those of docs/images.

``dashboard.png``, the one in README, shows a real flock at work, at a moment when wakes are on their way; the others show told stories. All that are looked at in the docs
are in docs/images; a folder gets more: other sizes, dialogs, phones.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.async_api import Browser

from murmur.local.stack import Stack
from tests.browser import rooms
from tests.browser.chromium import chromium
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.server import serving
from tests.browser.fake.story import Story
from tests.browser.rooms import take_rooms

DOCS = Path(__file__).parents[2] / "docs" / "images"
REAL_TURNS = 24
TELLING = """() => {
    const of = (state) => document.querySelectorAll(`.node[data-state=${state}]`).length;
    const seen = [...document.querySelectorAll(".flash-label")].some((label) => Number(getComputedStyle(label).opacity) > 0.8);
    if (of("turn") < 2 || of("waiting") + of("idle") < 2 || !seen) return false;
    window.requestAnimationFrame = () => 0;
    const { remove } = Element.prototype;
    Element.prototype.remove = function () { if (!this.closest(".lights")) remove.call(this); };
    for (const animation of document.querySelector(".lights").getAnimations({ subtree: true })) animation.pause();
    return true;
}"""
"""Some agents act while others wait, and it can be seen who was just woken: then the page holds still for the camera."""


@dataclass(frozen=True)
class Shot:
    """One picture."""

    name: str
    agents: int = 8
    radius: int = 1
    dark: bool = False
    phone: bool = False
    running: bool = True
    select: int | None = None
    keys: str = ""
    """Pressed at the end."""
    full: bool = False
    docs: bool = False


SHOTS = (
    Shot("story"),
    Shot("dashboard-dark", dark=True, select=3, docs=True),
    Shot("dashboard-64", agents=64, radius=2, docs=True),
    Shot("dashboard-phone", phone=True, dark=True, docs=True),
    Shot("dashboard-stopped", running=False, docs=True),
    Shot("dashboard-palette", dark=True, keys="Control+k", docs=True),
    Shot("dashboard-300", agents=300, radius=2, docs=True),
    Shot("stopped-dark", running=False, dark=True),
    Shot("stopped-phone", running=False, phone=True, full=True),
    Shot("full", full=True),
    Shot("full-dark", full=True, dark=True),
    Shot("full-64-dark", agents=64, radius=3, dark=True, full=True, select=22),
    Shot("full-phone", phone=True, full=True, select=3),
    Shot("laptop", full=True),
    Shot("help", keys="?"),
    Shot("stop", keys="x"),
)


async def take(browser: Browser, shot: Shot, folder: Path) -> None:
    """Set the scene and save the picture."""
    flock = FakeFlock(shot.agents, radius=shot.radius, running=shot.running)
    width, height = (390, 844) if shot.phone else (900, 700) if shot.name == "laptop" else (1440, 900)
    async with serving(flock) as address:
        story = Story(flock)
        if shot.running:
            await story.history(shot.agents * 5)
        page = await browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if shot.dark else "light",
            device_scale_factor=2 if shot.phone else 1,
        )
        await page.goto(address)
        await page.locator(".live[data-kind=live]").wait_for()
        if shot.running:
            await page.locator(".agent").nth(shot.agents - 1).wait_for(state="attached")
            await story.scene()
            await page.locator("murmur-card[data-key='0'][data-state=turn]").wait_for(state="attached")
        if shot.select is not None:
            await page.locator(f".node[aria-label^='agent {shot.select},']").click()
        if shot.keys:
            await page.keyboard.press(shot.keys)
        await page.evaluate("scrollTo(0, 0)")
        await page.mouse.move(0, 0)
        await asyncio.sleep(0.35)
        folder.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=folder / f"{shot.name}.png", full_page=shot.full)
        await page.close()


async def take_real(browser: Browser, folder: Path) -> None:
    """Run a real flock over this project's own docs, and catch it in the middle of its work."""
    with tempfile.TemporaryDirectory() as home:
        async with Stack(Path(home), think_seconds=2.5) as stack, httpx.AsyncClient(base_url=stack.url) as client:
            for path in sorted(DOCS.parent.rglob("*.md")):
                key = str(path.relative_to(DOCS.parent))
                await client.put("/cluster/knowledge", params={"key": key}, content=path.read_bytes())
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            await page.goto(stack.url)
            config = {"concurrency": 8, "staggerSeconds": 40, "minTurnGapSeconds": 0.2}
            goal = {"direction": "Digest every document, then write one index.", "config": config}
            await client.post("/cluster/start", json=goal)
            while (await client.get("/cluster/status")).json()["totals"]["turns"] < REAL_TURNS:
                await asyncio.sleep(0.1)
            await page.wait_for_function(TELLING, timeout=120_000)
            folder.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=folder / "dashboard.png")
            await page.close()


async def main() -> None:
    """All pictures, or those for the docs."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    wanted = set(sys.argv[2:])
    async with chromium() as browser:
        if not wanted or "dashboard" in wanted:
            await take_real(browser, folder)
        await take_rooms(browser, folder, wanted or (rooms.DOCS if folder == DOCS else rooms.NAMES))
        for shot in SHOTS:
            if shot.name in wanted or (not wanted and (folder != DOCS or shot.docs)):
                await take(browser, shot, folder)


if __name__ == "__main__":
    asyncio.run(main())
