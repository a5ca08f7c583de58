"""What the operator does on the page reaches the API, and what the API answers reaches the operator."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock

pytestmark = pytest.mark.asyncio(loop_scope="session")


def sent(flock: FakeFlock, method: str, path: str) -> list[object]:
    return [body for verb, where, body in flock.requests if (verb, where) == (method, path)]


async def test_ctrl_enter_saves_the_direction(flock: FakeFlock, page: Page) -> None:
    box = page.get_by_label("Direction", exact=True)
    await box.fill("Count the birds.")
    await expect(page.get_by_text("Ctrl-Enter saves")).to_be_visible()
    await box.press("Control+Enter")
    await expect(page.get_by_text("Saved. The agents are being woken.")).to_be_visible()
    assert sent(flock, "PUT", "/cluster/direction") == [{"text": "Count the birds."}]


async def test_a_direction_set_elsewhere_appears_but_not_over_what_is_being_typed(flock: FakeFlock, page: Page) -> None:
    box = page.get_by_label("Direction", exact=True)
    await flock.direct("From the command line.")
    await expect(box).to_have_value("From the command line.")
    await box.fill("Half a thought")
    await flock.direct("Again from the command line.")
    await expect(page.get_by_text("Changed elsewhere too")).to_be_visible()
    await expect(box).to_have_value("Half a thought")


async def test_start_sends_direction_and_settings_and_stop_stops(opened: Opener, flock: FakeFlock) -> None:
    await flock.act("stop")
    page = (await opened()).page
    await expect(page.locator(".badge")).to_have_text("stopped")
    await expect(page.locator("murmur-agents .empty")).to_contain_text("murmur start")
    await expect(page.locator("murmur-feed .steps")).to_contain_text("Add what the agents shall read")
    await page.get_by_label("Direction", exact=True).fill("Count the birds.")
    await page.get_by_label("Agents", exact=True).fill("12")
    await expect(page.locator(".node")).to_have_count(12)
    await expect(page.locator("murmur-ring")).to_contain_text("news reaches everyone in 6 hops")
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator(".badge")).to_have_text("running")
    await expect(page.locator("murmur-card")).to_have_count(12)
    assert sent(flock, "POST", "/cluster/start") == [{"direction": "Count the birds.", "config": {"concurrency": 12}}]
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".badge")).to_have_text("paused")
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".badge")).to_have_text("running")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".badge")).to_have_text("stopped")


async def test_a_refused_setting_says_why_beside_its_field_and_nothing_starts(opened: Opener, flock: FakeFlock) -> None:
    await flock.act("stop")
    watched = await opened()
    watched.expected.append("400")
    page = watched.page
    await page.get_by_label("Radius").fill("9")
    await page.get_by_role("button", name="Start").click()
    problem = page.locator("#field-neighbourRadius-problem")
    await expect(problem).to_contain_text("at most half the flock, 4 for 8 agents")
    await expect(problem).to_contain_text("Nothing was changed")
    await expect(page.get_by_label("Radius")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".badge")).to_have_text("stopped")
    await page.get_by_label("Radius").fill("2")
    await expect(problem).to_be_hidden()


async def test_an_error_shows_its_remedy(opened: Opener, flock: FakeFlock) -> None:
    await flock.act("stop")
    watched = await opened()
    watched.expected.append("409")
    page = watched.page
    await expect(page.locator(".badge")).to_have_text("stopped")
    flock.silent = True
    await flock.act("start")  # by somebody else, and the page has not heard of it yet
    await page.get_by_role("button", name="Start").click()
    notice = page.locator("murmur-controls murmur-notice")
    await expect(notice).to_contain_text("one run at a time")
    await expect(notice.locator(".notice-remedy")).to_contain_text("Stop it first")


async def test_settings_changed_during_a_run_are_applied(flock: FakeFlock, page: Page) -> None:
    await expect(page.get_by_role("button", name="Apply")).to_be_hidden()
    await page.get_by_label("Interval").fill("5")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("Applied.")).to_be_visible()
    assert sent(flock, "PUT", "/cluster/config") == [{"loopIntervalSeconds": 5}]


async def test_the_ring_can_be_walked_with_the_keyboard(page: Page) -> None:
    await page.locator(".node[tabindex='0']").focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await expect(page.locator("murmur-detail .card-title")).to_have_text("Agent 2")
    await page.keyboard.press("Enter")
    await expect(page.locator("murmur-detail")).to_be_hidden()
    await expect(page.locator("murmur-feed")).to_be_visible()
