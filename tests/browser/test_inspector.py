"""The queue inspector: the ring as the fabric has it, what became of deliveries, and actions that say what they cost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from murmur.local.stack import Stack
from tests.browser.conftest import WATCH_POLICY, Opener, Watched
from tests.browser.fake.flock import FakeFlock

pytestmark = pytest.mark.asyncio(loop_scope="session")
HERE = "/#/queues"
EVIL = '<img src=x onerror="window.harmed = 1">'


def delivery(key: str, became: str, iteration: int | None = None, second: int = 0) -> dict[str, object]:
    received = f"2026-11-23T05:00:{second:02}.120Z"
    sent = f"2026-11-23T05:00:{second:02}.020Z"
    return {
        "key": key,
        "version": "9f86d081884c",
        "sent": sent,
        "received": received,
        "receives": 1,
        "became": became,
        "iteration": iteration,
    }


def row(page: Page, agent: int) -> object:
    return page.locator(".queues tbody tr").nth(agent)


async def test_the_ring_is_seen_in_the_rules_and_depths_follow(flock: FakeFlock, opened: Opener) -> None:
    flock.info[3]["inbox"].update(visible=2, in_flight=1, dead=4, oldest_seconds=75)
    flock.info[3]["counters"].update(wakes=9, gated=5, rescues=1)
    page = (await opened(HERE)).page
    rows = page.locator(".queues tbody tr")
    await expect(rows).to_have_count(8)
    await expect(rows.nth(3)).to_have_text(re.compile("agent 3.*2, 4.*2.*1.*1 min.*4.*9.*5.*1"))
    await expect(page.locator("murmur-queues .hint").first).to_have_text(
        "8 queues, 2 messages waiting, 4 dead letters in all"
    )
    flock.info[3]["inbox"].update(visible=7, dead=0)
    await expect(rows.nth(3).locator("td").nth(1)).to_have_text("7")
    await expect(page.locator("murmur-queues .hint").first).to_contain_text("no dead letters")
    await flock.act("stop")
    await expect(page.locator("murmur-queues .empty")).to_contain_text("murmur start")
    await expect(page.locator("murmur-queue")).to_be_hidden()


async def test_one_queue_shows_its_rule_and_what_became_of_every_delivery(flock: FakeFlock, opened: Opener) -> None:
    flock.info[2]["inbox"].update(visible=1)
    flock.deliveries[2] = [
        delivery("store/agent-1.ndjson", "turn", 5, 1),
        delivery("store/agent-3.ndjson", "gated", None, 2),
        delivery("store/agent-3.ndjson", "duplicate", None, 3),
        delivery("direction.md", "turn", 6, 4),
        delivery(EVIL, EVIL, None, 5),
    ]
    page = (await opened(HERE)).page
    await page.get_by_role("button", name="agent 2", exact=True).click()
    panel = page.locator("murmur-queue")
    await expect(panel.locator("h2")).to_have_text("The queue of agent 2")
    await expect(panel.locator(".queue-keys li")).to_have_text(
        [
            "the log of agent 1",
            "the log of agent 3",
            "direction.md",
            "config.json",
            "control.json",
            "store/agent-2.directive.md",
        ]
    )
    await panel.get_by_text("The rule's pattern as it is").click()
    await expect(panel.locator(".queue-raw .source")).to_contain_text('"store/agent-1.ndjson"')
    rows = panel.locator("tbody tr")
    await expect(rows).to_have_count(5)
    await expect(rows.nth(0)).to_contain_text(EVIL)
    await expect(rows.nth(1)).to_contain_text("direction.md")
    await expect(rows.nth(1)).to_contain_text("turn 6")
    await expect(rows.nth(1)).to_contain_text("100 ms")
    await expect(rows.nth(2)).to_contain_text("delivered before")
    await expect(rows.nth(3)).to_contain_text("told nothing the agent had not taken into account")
    flock.deliveries[2].append(delivery("config.json", "control", None, 9))
    await expect(rows.nth(0)).to_contain_text("need no turn")
    assert await page.locator("main img").count() == 0
    await rows.nth(2).locator("code").wait_for()
    await rows.nth(5).get_by_role("link", name="turn 5").click()
    await expect(page).to_have_url(re.compile("#/timeline.*agent=2"))


async def test_peek_redrive_and_purge_say_what_they_cost_and_which_command_does_the_same(
    flock: FakeFlock, opened: Opener
) -> None:
    flock.info[5]["inbox"].update(visible=2, in_flight=1, dead=3)
    flock.peeked = json.dumps({"detail": {"object": {"key": EVIL}}})
    page = (await opened(f"{HERE}?agent=5", permissions=["clipboard-read", "clipboard-write"])).page
    panel = page.locator("murmur-queue")
    await expect(panel.locator(".queue-command code")).to_have_text(
        ["murmur queues peek 5", "murmur queues redrive 5", "murmur queues purge 5"]
    )
    await expect(panel).to_contain_text("SQS counts that as a receive")
    await panel.get_by_role("button", name="Copy the command that does the same as Redrive").click()
    await expect(panel.get_by_text("Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "murmur queues redrive 5"

    await panel.get_by_role("button", name="Peek", exact=True).click()
    await expect(panel.locator(".peeked li")).to_have_count(2)
    await expect(panel.locator(".peeked .source").first).to_contain_text("<img src=x onerror=")
    assert not await page.evaluate("Boolean(window.harmed)")

    await panel.get_by_role("button", name="Redrive", exact=True).click()
    await expect(panel).to_contain_text("3 dead letters put back.")
    await expect(panel.locator(".facts")).to_contain_text("5 messages waiting")

    await panel.get_by_role("button", name="Purge…", exact=True).click()
    sure = panel.get_by_role("group", name="Confirm the purge")
    await expect(sure).to_contain_text("Throw away about 6 messages of agent 5?")
    await expect(sure.get_by_role("button", name="Keep them")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(sure).to_be_hidden()
    assert flock.info[5]["inbox"]["visible"] == 5, "nothing is thrown away before it is confirmed"
    await panel.get_by_role("button", name="Purge…", exact=True).click()
    await sure.get_by_role("button", name="Throw them away").click()
    await expect(panel).to_contain_text("About 6 messages thrown away.")
    assert flock.info[5]["inbox"]["visible"] == 0


async def test_an_action_that_is_refused_says_why(flock: FakeFlock, opened: Opener) -> None:
    watched = await opened(f"{HERE}?agent=1")
    watched.expected += ["404", "503"]
    page = watched.page
    await expect(page.locator("murmur-queue h2")).to_have_text("The queue of agent 1")
    flock.silent = True
    flock.control["state"] = "stopped"
    await page.locator("murmur-queue").get_by_role("button", name="Redrive", exact=True).click()
    await expect(page.locator("murmur-queue-actions .notice-bad")).to_contain_text(
        "Queues exist from a start to its stop."
    )


@pytest.mark.slow
async def test_on_a_real_flock_the_queues_are_the_ring_and_can_be_acted_on(browser: Browser, tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack, httpx.AsyncClient(base_url=stack.url) as client:
        for name in ("gulls", "terns", "auks"):
            await client.put(
                "/cluster/knowledge", params={"key": f"{name}.md"}, content=f"# {name}\n\nAll {name} fly.\n".encode()
            )
        goal = {"direction": "Digest every document, then write one index.", "config": {"concurrency": 4}}
        await client.post("/cluster/start", json=goal)
        context = await browser.new_context()
        page = await context.new_page()
        await page.add_init_script(WATCH_POLICY)
        watched = Watched(page)
        await page.goto(f"{stack.url}/#/queues?agent=2")
        await expect(page.locator(".queues tbody tr")).to_have_count(4, timeout=60_000)
        await expect(page.locator(".queues tbody tr").nth(2)).to_contain_text("1, 3")
        panel = page.locator("murmur-queue")
        await expect(panel.locator("tbody tr").first).to_be_visible(timeout=60_000)
        await expect(panel.locator("tbody")).to_contain_text("turn 0")
        await expect(panel.locator(".queue-keys")).to_contain_text("the log of agent 1")
        await panel.get_by_role("button", name="Redrive", exact=True).click()
        await expect(panel).to_contain_text("0 dead letters put back.")
        await panel.get_by_role("button", name="Peek", exact=True).click()
        await expect(panel.locator(".peeked")).to_contain_text(re.compile("Nothing waits|counts"))
        await panel.get_by_role("button", name="Purge…", exact=True).click()
        await panel.get_by_role("button", name="Throw them away").click()
        await expect(panel).to_contain_text("thrown away.")
        await watched.check()
        await context.close()
        await client.post("/cluster/stop")
