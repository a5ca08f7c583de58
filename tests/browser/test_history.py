"""The history: earlier runs listed with what they were about, and opened."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from murmur.local.stack import Stack
from tests.browser.conftest import WATCH_POLICY, Opener, Watched
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.waves import waves

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_runs_are_listed_newest_first_and_open_in_the_same_views(flock: FakeFlock, opened: Opener) -> None:
    for day, agents in ((20, 4), (21, 8)):
        run = waves(agents, seconds=60, ended=datetime(2026, 11, day, 9, tzinfo=UTC))
        run.direction = f"What was wanted on day {day}."
        flock.past[run.run] = run
    page = (await opened("/#/history")).page
    rows = page.locator("ol.runs .run")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("What was wanted on day 21.")
    await expect(rows.nth(0)).to_contain_text(re.compile(r"lasted 01:00 · 8 agents · \d+ turns · \d+ files · settled"))
    await expect(rows.nth(1)).to_contain_text("4 agents")
    await expect(page.locator("div.run")).to_contain_text("the present run, running")
    await rows.nth(1).get_by_role("link", name="Open").click()
    await expect(page.locator("murmur-replay")).to_contain_text("4 agents")
    await expect(page.locator("murmur-card")).to_have_count(4)
    await expect(page.locator(".node")).to_have_count(4)
    await page.get_by_role("link", name="History").click()
    await expect(rows.nth(1)).to_have_class(re.compile("is-open"))
    await rows.nth(0).get_by_role("link", name="Replay").click()
    await expect(page.locator("murmur-replay .replay-time")).to_have_text("00:00 of 01:00")
    await expect(page.locator("murmur-card")).to_have_count(8)
    await page.go_back()
    await expect(rows).to_have_count(2)


async def test_without_an_earlier_run_it_names_the_command(flock: FakeFlock, opened: Opener) -> None:
    page = (await opened("/#/history")).page
    await expect(page.locator("murmur-history .empty")).to_contain_text("murmur start")
    await expect(page.locator("murmur-history .empty")).to_contain_text("murmur history")


@pytest.mark.slow
async def test_a_real_run_is_replayed_from_its_own_logs(browser: Browser, tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack, httpx.AsyncClient(base_url=stack.url) as client:
        for name in ("gulls", "terns", "auks"):
            body = f"# {name}\n\nThere are {name} on the cliffs. All {name} fly. Some {name} dive.\n".encode()
            await client.put("/cluster/knowledge", params={"key": f"{name}.md"}, content=body)
        context = await browser.new_context()
        page = await context.new_page()
        await page.add_init_script(WATCH_POLICY)
        watched = Watched(page)
        await page.goto(stack.url)
        goal = {"direction": "Digest every document, then write one index.", "config": {"concurrency": 4}}
        await client.post("/cluster/start", json=goal)
        await expect(page.locator(".badge")).to_have_text("settled", timeout=120_000)
        first = (await client.get("/cluster/status")).json()["run"]
        agents = (await client.get(f"/cluster/history/{first}")).json()["agents"]
        turns = sum(agent["entries"] for agent in agents)
        await client.post("/cluster/stop")
        await expect(page.locator(".badge")).to_have_text("stopped", timeout=60_000)
        await client.post("/cluster/start", json={"direction": "Again."})
        await expect(page.locator(".badge")).to_have_text(re.compile("running|settled"), timeout=60_000)

        await page.get_by_role("link", name="History").click()
        row = page.locator("ol.runs .run")
        await expect(row).to_contain_text("Digest every document", timeout=30_000)
        await expect(row).to_contain_text("stopped by the operator")
        await row.get_by_role("link", name="Open").click()
        await expect(page.locator("murmur-replay")).to_contain_text("4 agents")
        assert first in page.url
        shown = page.locator("murmur-card")
        await expect(shown).to_have_count(4)
        await expect(page.locator("murmur-replay .replay-density path")).to_be_attached()
        for agent in agents:
            card = page.locator(f"murmur-card[data-key='{agent['id']}']")
            await expect(card).to_contain_text(f"{agent['entries']} turn")
        await page.get_by_role("link", name="Environment").click()
        await page.get_by_role("button", name="index.md").click()
        await expect(page.locator(".prose")).to_contain_text("gulls")
        await page.get_by_role("link", name="Timeline").click()
        await expect(page.locator("murmur-timeline .hint").first).to_have_text(f"{turns} turns of 4 agents")
        await watched.check()
        await context.close()
        await client.post("/cluster/stop")
