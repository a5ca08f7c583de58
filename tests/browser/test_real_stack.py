"""The dashboard on the real thing: a flock of real agents on this machine, started, watched and stopped from the page."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from murmur.local.stack import Stack
from tests.browser.conftest import WATCH_POLICY, Watched
from tests.browser.load import log_read, newest_held

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

DOCUMENTS = {
    "gulls.md": "# Gulls\n\nGulls nest on cliffs. Gulls eat fish and scraps. A gull can drink salt water.\n",
    "terns.md": "# Terns\n\nTerns fly from pole to pole. Terns dive for fish. A tern sees two summers a year.\n",
    "auks.md": "# Auks\n\nAuks fly under water. Auks nest in burrows. An auk is awkward on land.\n",
}


async def test_a_flock_is_run_from_the_page_until_it_settles(browser: Browser, tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack:
        context = await browser.new_context()
        page = await context.new_page()
        await page.add_init_script(WATCH_POLICY)
        watched = Watched(page)
        await page.goto(stack.url)
        await expect(page.locator(".live")).to_have_text("live")
        await expect(page.locator(".badge")).to_have_text("stopped")
        await page.get_by_role("link", name="Environment").click()
        await page.get_by_label("Add files").set_input_files(
            [{"name": name, "mimeType": "text/markdown", "buffer": text.encode()} for name, text in DOCUMENTS.items()]
        )
        await expect(page.get_by_text("3 files added.")).to_be_visible()
        await expect(page.get_by_role("button", name="gulls.md")).to_be_visible()

        await page.get_by_role("link", name="Flock", exact=True).click()
        await page.get_by_label("Direction", exact=True).fill("Digest every document, then write one index.")
        await page.get_by_label("Agents", exact=True).fill("4")
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.locator(".badge")).to_have_text("settled", timeout=120_000)
        await expect(page.locator("murmur-card .said-lines")).to_have_count(4)
        await expect(page.locator("murmur-bar .tag")).to_have_text("scripted")
        await page.get_by_role("link", name="Environment").click()
        await page.get_by_role("button", name="index.md").click()
        await expect(page.locator(".prose")).to_contain_text("gulls")
        await page.get_by_role("link", name="Flock", exact=True).click()

        async with httpx.AsyncClient(base_url=stack.url) as client:
            answers = [(await client.get(f"/cluster/agents/{agent}/log")).json()["entries"] for agent in range(4)]
        logs = {agent: [entry["iteration"] for entry in entries] for agent, entries in enumerate(answers)}
        await newest_held(page, {agent: log[-1] for agent, log in logs.items()})
        for agent, log in logs.items():
            assert await log_read(page, agent) == log

        await page.get_by_role("button", name="Stop", exact=True).click()
        await page.get_by_role("button", name="Stop the flock").click()
        await expect(page.locator("murmur-stop dialog")).to_contain_text("4 of 4 agents confirmed, 1 of 1 host gone")
        await expect(page.locator(".badge")).to_have_text("stopped", timeout=60_000)
        await watched.check()
        await context.close()
