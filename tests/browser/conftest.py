"""A pretended flock, and a page of a real browser that watches it. Any console error or policy violation fails the test.

What ``wait_for_function`` waits for must be a function: a bare expression is evaluated in the page again at every look, which the
page's policy forbids from the second on.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.browser import chromium as chrome
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.server import serving

expect.set_options(timeout=30_000)

WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective + " " + event.blockedURI));
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests of this tier."""
    if chrome.path() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed: apt-get install chromium")
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    async with chrome.chromium() as running:
        yield running


class Watched:
    """A page and what it complained about. ``expected`` are words of complaints that the test causes on purpose."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.expected: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    async def check(self) -> None:
        """Nothing but what was expected."""
        violations = await self.page.evaluate("window.violations")
        said = [words for words in [*self.complaints, *violations] if not any(part in words for part in self.expected)]
        assert said == []


@pytest_asyncio.fixture(loop_scope="session")
async def flock() -> FakeFlock:
    """Eight agents, running, nothing written yet. A test may change it before it opens the page."""
    return FakeFlock(8)


Opener = Callable[..., Awaitable[Watched]]


@pytest_asyncio.fixture(loop_scope="session")
async def opened(browser: Browser, flock: FakeFlock) -> AsyncIterator[Opener]:
    """Opens the dashboard of ``flock``, at a place such as ``/#/timeline``; at the end every opened page is checked for complaints."""
    async with AsyncExitStack() as stack:
        watched: list[Watched] = []
        address = await stack.enter_async_context(serving(flock))

        async def open_page(at: str = "", **options: Any) -> Watched:
            context = await browser.new_context(**options)
            stack.push_async_callback(context.close)
            page = await context.new_page()
            await page.add_init_script(WATCH_POLICY)
            watching = Watched(page)
            watched.append(watching)
            await page.goto(address + at)
            return watching

        yield open_page
        for each in watched:
            await each.check()


@pytest_asyncio.fixture(loop_scope="session")
async def page(opened: Opener) -> Page:
    """The dashboard, live, its eight agents drawn: until then there is nothing to filter, and no key for it."""
    page = (await opened()).page
    await expect(page.locator(".live")).to_have_attribute("data-kind", "live")
    await expect(page.locator("murmur-card")).to_have_count(8)
    return page
