"""For everybody: axe-core finds no issue in dark and light, and the main job needs no pointer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def axe() -> str:
    """The checker's source, from npm."""
    if not AXE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core is not installed: ./dev lint installs it")
        pytest.skip("axe-core is not installed (./dev lint installs it, where npm is)")
    return AXE.read_text("utf-8")


async def issues(page: Page) -> list[tuple[str, str, list[Any]]]:
    """What it finds, best practices included."""
    found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (one["id"], one["impact"], [node["html"][:160] for node in one["nodes"][:4]]) for one in found["violations"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_issue(flock: FakeFlock, opened: Opener, axe: str, scheme: Literal["light", "dark"]) -> None:
    story = Story(flock)
    await story.history(30)
    await story.scene()
    page = (await opened(color_scheme=scheme, reduced_motion="reduce")).page
    await expect(page.locator(".live")).to_have_text("live")
    await page.evaluate(axe)
    await page.keyboard.press("!")
    await page.locator(".node[aria-label^='agent 3,']").click()
    await page.get_by_text("Directive").first.click()
    await page.get_by_text("Budget", exact=True).click()
    await page.get_by_label("Turns").fill("0")
    await expect(page.locator("#field-maxTurnsPerAgent-problem")).to_be_visible()
    assert await issues(page) == []
    await page.evaluate("document.activeElement.blur()")
    dialogs = (("?", ".help"),) if scheme == "light" else (("Control+k", ".palette"), ("x", "murmur-stop dialog"))
    for key, dialog in dialogs:
        await page.keyboard.press(key)
        await expect(page.locator(dialog)).to_be_visible()
        assert await issues(page) == []
        await page.keyboard.press("Escape")
        await expect(page.locator(dialog)).to_be_hidden()
    await flock.act("stop")
    await expect(page.locator("murmur-plan")).to_be_visible()
    assert await issues(page) == []


async def test_the_main_job_is_done_by_keyboard_alone(flock: FakeFlock, opened: Opener) -> None:
    """Write a direction, set the size, start, watch an agent, pause, resume, stop."""
    await flock.act("stop")
    page = (await opened()).page
    keys = page.keyboard
    await expect(page.locator(".badge")).to_have_text("stopped")
    await expect(page.get_by_label("Agents", exact=True)).to_be_visible()
    await keys.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await keys.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await keys.press("e")
    await keys.press("Control+a")
    await keys.type("Count the birds.")
    for _ in range(30):
        await keys.press("Tab")
        if await page.evaluate("document.activeElement.id") == "field-concurrency":
            break
    await keys.type("6")
    focus = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert focus != "none"  # one sees where one is
    await keys.press("Shift+Tab")
    await keys.press("s")
    await expect(page.locator(".badge")).to_have_text("running")
    await expect(page.locator(".node")).to_have_count(6)
    assert flock.direction["text"] == "Count the birds."

    for _ in range(60):
        await keys.press("Tab")
        if await page.evaluate("document.activeElement.classList.contains('node')"):
            break
    await keys.press("ArrowRight")
    await keys.press("ArrowRight")
    await keys.press("Enter")
    await expect(page.locator("murmur-detail .card-title")).to_have_text("Agent 2")
    await keys.press("Escape")
    await expect(page.locator("murmur-feed")).to_be_visible()
    await keys.press("p")
    await expect(page.get_by_role("button", name="Resume", exact=True)).to_be_enabled()
    await keys.press("p")
    await expect(page.get_by_role("button", name="Pause", exact=True)).to_be_enabled()
    await keys.press("x")
    await expect(page.get_by_role("button", name="Stop the flock")).to_be_focused()
    await keys.press("Enter")
    await expect(page.locator(".badge")).to_have_text("stopped")
    await expect(page.get_by_role("button", name="Close")).to_be_visible()
    await keys.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
