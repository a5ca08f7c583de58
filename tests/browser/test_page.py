"""The page itself: it loads clean, fits a phone, and stays small."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_loads_without_a_complaint_and_from_its_own_server_only(
    flock: FakeFlock, opened: Opener, scheme: Literal["light", "dark"]
) -> None:
    await Story(flock).history(20)
    watched = await opened(color_scheme=scheme)
    await expect(watched.page.locator(".live")).to_have_text("live")
    await watched.page.keyboard.press("g")
    await watched.page.keyboard.press("e")
    await expect(watched.page.locator(".file")).not_to_have_count(0)
    origins = await watched.page.evaluate(
        "[...new Set(performance.getEntriesByType('resource').map(one => new URL(one.name).origin))]"
    )
    assert origins == [await watched.page.evaluate("location.origin")]
    await watched.check()


async def test_a_phone_shows_everything_without_scrolling_sideways(flock: FakeFlock, opened: Opener) -> None:
    story = Story(flock)
    await story.history(40)
    page = (await opened(viewport={"width": 390, "height": 844}, has_touch=True)).page
    await expect(page.locator("murmur-card")).to_have_count(8)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.get_by_role("link", name="Environment").click()
    await page.get_by_role("button", name="wake.md").first.click()
    await expect(page.locator(".prose")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_every_control_has_a_name(flock: FakeFlock, opened: Opener) -> None:
    await Story(flock).history(20)
    page = (await opened()).page
    await expect(page.locator("murmur-card")).to_have_count(8)
    nameless = await page.locator("button, input, select, textarea, a, [role=button]").evaluate_all(
        "all => all.filter(one => !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).map(one => one.outerHTML)"
    )
    assert nameless == []


async def test_sixty_four_agents_writing_leave_the_page_of_bounded_size(flock: FakeFlock, opened: Opener) -> None:
    flock.config = flock.config.merged({"concurrency": 64})
    flock.begin_run()
    page = (await opened()).page
    await expect(page.locator(".node")).to_have_count(64)
    await expect(page.locator(".live")).to_have_text("live")
    sizes = []
    for round_ in range(3):
        for turn in range(320):
            await flock.write(turn % 64, f"round {round_} turn {turn}")
        await expect(page.locator(".figure-turns dd")).to_have_text(str((round_ + 1) * 320))
        await expect(page.locator("murmur-card[data-key='63']")).to_contain_text("done")
        sizes.append(await page.evaluate("document.querySelectorAll('murmur-feed *, murmur-agents *').length"))
    assert await page.locator(".feed-item").count() == 80
    assert sizes[2] <= sizes[0] * 1.1


async def test_reduced_motion_is_respected(flock: FakeFlock, opened: Opener) -> None:
    page = (await opened(reduced_motion="reduce")).page
    await flock.begin(2, woken_by=[{"agent": 1, "iteration": 0}])
    await expect(page.locator(".node[aria-label='agent 2, in a turn']")).to_have_count(1)
    assert await page.evaluate("document.getAnimations().length") == 0
