"""Timeline, queues, environment, history and replay for everybody: axe-core finds no issue, a phone shows them whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import WATCH_POLICY, Watched
from tests.browser.fake.scenes import earlier, working
from tests.browser.fake.server import serving
from tests.browser.test_access import axe, issues

__all__ = ["axe"]
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def places() -> AsyncIterator[dict[str, tuple[str, str]]]:
    """Where every view is, and what shows that it is there, in a flock that works."""
    flock = await working()
    past = earlier(flock).run
    async with serving(flock) as address:
        yield {
            "timeline": (f"{address}/#/timeline", ".tl-board"),
            "queues": (f"{address}/#/queues?agent=1", "murmur-queue tbody tr"),
            "environment": (f"{address}/#/environment?file=output%2Freports%2Fwake.md", ".prose"),
            "history": (f"{address}/#/history", "ol.runs .run"),
            "replay": (f"{address}/#/?run={past}&agent=1", ".replay-track svg"),
        }


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_issue_in_any_view(
    browser: Browser, places: dict[str, tuple[str, str]], axe: str, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = await context.new_page()
    await page.add_init_script(WATCH_POLICY)
    watched = Watched(page)
    found = {}
    for name, (address, there) in places.items():
        await _open(page, address, there)
        if name == "timeline":
            await page.locator(".tl-board").focus()
            await page.keyboard.press("End")
            await expect(page.locator(".why tbody tr").first).to_be_visible()
        if name == "environment":
            await page.get_by_role("button", name="Changes").click()
            await expect(page.locator(".diff")).to_be_visible()
        if name == "queues":
            await page.get_by_role("button", name="Purge…").click()
        await page.evaluate(axe)
        found[name] = await issues(page)
    assert found == {name: [] for name in places}
    await watched.check()
    await context.close()


async def test_every_view_fits_a_phone(browser: Browser, places: dict[str, tuple[str, str]]) -> None:
    context = await browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = await context.new_page()
    for address, there in places.values():
        await _open(page, address, there)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    await context.close()


async def _open(page: Page, address: str, there: str) -> None:
    await page.goto("about:blank")
    await page.goto(address)
    await expect(page.locator(there).first).to_be_attached()
    await expect(page.locator(".live")).to_have_text("live")
