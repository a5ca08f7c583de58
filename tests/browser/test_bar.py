"""The strip on top and what is there everywhere: state, counts, a stop that counts, keys, palette, theme, places to link to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from murmur.entry import timestamp
from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_state_is_told_with_its_reason_and_the_clock_runs(flock: FakeFlock, page: Page) -> None:
    flock.control["started"] = timestamp(datetime.now(UTC) - timedelta(seconds=3725))
    for state, reason in (
        ("starting", ""),
        ("running", ""),
        ("paused", "paused by the operator"),
        ("settled", "all 8 agents are idle"),
        ("stopping", "the run has lasted 120 minutes (maxRunMinutes)"),
        ("stopped", "the start failed: no hosts"),
    ):
        flock.control.update(state=state, reason=reason)
        await flock.say()
        await expect(page.locator(".badge")).to_have_text(state)
        if reason:
            await expect(page.locator(".bar-reason")).to_have_text(reason)
        if state == "running":
            await expect(page.locator(".bar-clock")).to_have_text(re.compile(r"^1:02:\d\d$"))
    await expect(page.locator("murmur-announcer")).to_contain_text("The flock is stopped: the start failed: no hosts")


async def test_the_counts_are_the_sums_of_what_the_agents_counted(flock: FakeFlock, page: Page) -> None:
    counters = flock.info[0]["counters"]
    await flock.change(0, counters={**counters, "turns": 3, "wakes": 20, "gated": 15, "rescues": 1, "cost": 0.25})
    await flock.change(1, counters={**counters, "turns": 1, "wakes": 1200, "cost": 1.1})
    for name, value in (("turns", "4"), ("wakes", "1\u202f220"), ("gated", "15"), ("rescues", "1"), ("spend", "$1.35")):
        await expect(page.locator(f".figure-{name} dd")).to_have_text(value)
    await expect(page.locator(".figure-rescues")).to_have_class(re.compile("is-notable"))
    await expect(page.locator(".figure-repairs dd")).to_have_text("0")


async def test_a_stop_is_asked_for_twice_and_counts_those_who_confirmed(flock: FakeFlock, page: Page) -> None:
    flock.slow_stop = True
    await flock.begin(3)
    dialog = page.locator("murmur-stop dialog")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(dialog).to_contain_text("8 agents on 1 host will end. 1 turn is going on and will be ended.")
    await page.get_by_role("button", name="Keep it running").click()
    assert [path for _, path, _ in flock.requests if path == "/cluster/stop"] == []

    await page.keyboard.press("x")
    await page.get_by_role("button", name="Stop the flock").click()
    await expect(dialog).to_contain_text("0 of 8 agents confirmed, 0 of 1 host gone")
    for agent in range(5):
        await flock.change(agent, status="stopped")
    await expect(dialog).to_contain_text("5 of 8 agents confirmed")
    flock.hosts = 0  # no push tells of it: the page asks
    await expect(dialog).to_contain_text("1 of 1 host gone")
    await expect(page.locator(".badge")).to_have_text("stopping")
    await flock.confirm_stop()
    await expect(dialog).to_contain_text("The flock has stopped")
    await expect(dialog).to_contain_text("8 of 8 agents confirmed, 1 of 1 host gone")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()


async def test_a_stop_that_is_refused_says_so_and_does_not_count(flock: FakeFlock, opened: Opener) -> None:
    watched = await opened()
    watched.expected += ["503", "WebSocket"]
    page = watched.page
    await expect(page.locator(".badge")).to_have_text("running")
    await page.get_by_role("button", name="Stop", exact=True).click()
    flock.down = True
    await page.get_by_role("button", name="Stop the flock").click()
    await expect(page.locator("murmur-stop .notice-bad")).to_contain_text("Away.")
    await expect(page.get_by_role("button", name="Stop the flock")).to_be_visible()
    flock.down = False


async def test_the_keys_and_the_palette_lead_everywhere(flock: FakeFlock, page: Page) -> None:
    await page.keyboard.press("?")
    await expect(page.locator(".help")).to_contain_text("Go to Timeline")
    await expect(page.locator(".help")).to_contain_text("Pause the flock")
    await page.keyboard.press("Escape")
    await expect(page.locator(".help")).to_be_hidden()
    await page.keyboard.press("p")
    await expect(page.get_by_role("button", name="Resume", exact=True)).to_be_enabled()
    await page.keyboard.press("p")
    await expect(page.locator(".badge")).to_have_text("running")

    await page.keyboard.press("Control+k")
    await page.keyboard.type("agent 6")
    await expect(page.get_by_role("option").first).to_have_text("Look at agent 6")
    await page.keyboard.press("Enter")
    await expect(page.locator("murmur-detail .card-title")).to_have_text("Agent 6")
    await expect(page).to_have_url(re.compile(r"#/\?agent=6$"))
    await page.keyboard.press("Control+k")
    await page.keyboard.type("no such thing")
    await expect(page.locator(".palette-list")).to_have_text("Nothing is called so.")
    await page.keyboard.press("Escape")
    await expect(page.locator(".palette")).to_be_hidden()
    await page.keyboard.press("e")
    await expect(page.get_by_label("Direction", exact=True)).to_be_focused()
    await page.keyboard.type("p x ? are letters here")
    await expect(page.locator(".badge")).to_have_text("running")
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_a_link_leads_to_view_and_agent_and_back_goes_back(flock: FakeFlock, opened: Opener) -> None:
    await flock.write(3, "took wake.md")
    page = (await opened("/#/environment?agent=3")).page
    await expect(page.locator(".folder")).to_have_count(2)
    await expect(page.get_by_role("link", name="Environment")).to_have_attribute("aria-current", "page")
    await page.get_by_role("link", name="Flock", exact=True).click()
    await expect(page.locator("murmur-detail .card-title")).to_have_text("Agent 3")
    await page.go_back()
    await expect(page.locator(".folder")).to_have_count(2)
    await page.go_forward()
    await expect(page.locator(".log-entry")).to_contain_text("took wake.md")
    await page.goto(page.url.split("#")[0] + "#/nowhere?agent=-5&t=never&run=../x")
    await expect(page.locator("murmur-ring .node")).to_have_count(8)


async def test_the_theme_can_be_chosen_and_is_kept(flock: FakeFlock, opened: Opener) -> None:
    page = (await opened(color_scheme="light")).page
    await expect(page.locator(".badge")).to_have_text("running")
    light = await page.evaluate("getComputedStyle(document.body.firstElementChild.nextElementSibling).backgroundColor")
    await page.get_by_role("button", name="Dark or light").click()
    dark = await page.evaluate("getComputedStyle(document.body.firstElementChild.nextElementSibling).backgroundColor")
    assert light != dark
    await page.reload()
    await expect(page.locator(".badge")).to_have_text("running")
    assert dark == await page.evaluate(
        "getComputedStyle(document.body.firstElementChild.nextElementSibling).backgroundColor"
    )
    await page.keyboard.press("d")
    assert light == await page.evaluate(
        "getComputedStyle(document.body.firstElementChild.nextElementSibling).backgroundColor"
    )
