"""Signing in with PKCE where a deployment asks for it, tokens renewed in time, and a way out."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.signin import FakeSignIn

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def signin(flock: FakeFlock) -> FakeSignIn:
    """Asked for before the page, so that its server has the sign-in's addresses."""
    return FakeSignIn(flock)


async def test_nothing_is_asked_of_the_flock_before_one_has_signed_in_and_signing_out_ends_it(
    signin: FakeSignIn, opened: Opener
) -> None:
    watched = await opened("/#/?agent=3")
    watched.expected.append("401")  # what was asked just before the sign-out is answered after it
    page = watched.page
    await expect(page.get_by_role("heading", name="Sign in to see this flock")).to_be_visible()
    await expect(page.locator(".page")).to_be_hidden()
    assert [path for _, path, _ in signin.flock.requests if path.startswith("/cluster")] == []
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".live")).to_have_text("live")
    await expect(page.locator("murmur-detail .card-title")).to_have_text("Agent 3")  # where one wanted to go
    assert re.fullmatch(r"http://[^/?]+/#/\?agent=3", page.url)  # no code stays in the address
    assert signin.grants == ["authorization_code"]
    await page.reload()
    await expect(page.locator(".live")).to_have_text("live")
    assert signin.grants == ["authorization_code"]
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to see this flock")).to_be_visible()
    assert await page.evaluate("sessionStorage.length + localStorage.length") == 0


async def test_a_token_is_renewed_before_it_runs_out_and_when_it_is_refused(signin: FakeSignIn, opened: Opener) -> None:
    watched = await opened()
    watched.expected.append("401")
    page = watched.page
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".live")).to_have_text("live")
    await page.wait_for_load_state("networkidle")
    signin.flock.bearer = "another one is wanted"
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".badge")).to_have_text("paused")
    assert signin.grants == ["authorization_code", "refresh_token"]
    signin.seconds = 30  # less than the page wants to have left
    signin.flock.bearer = "another one is wanted"
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".badge")).to_have_text("running")
    before, refusals = len(signin.grants), len(watched.complaints)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".badge")).to_have_text("paused")
    assert len(signin.grants) > before
    assert len(watched.complaints) == refusals  # before any was refused


async def test_a_session_that_is_over_leads_back_to_the_sign_in(signin: FakeSignIn, opened: Opener) -> None:
    watched = await opened()
    watched.expected += ["401", "400"]
    page = watched.page
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".live")).to_have_text("live")
    await page.wait_for_load_state("networkidle")  # else what the page reads in the background leads there by itself
    signin.refuse_refresh = True
    signin.flock.bearer = "another one is wanted"
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".signin")).to_contain_text("Your sign-in has run out.")
    await expect(page.locator(".page")).to_be_hidden()


async def test_a_code_that_was_not_asked_for_in_this_tab_is_not_taken(signin: FakeSignIn, opened: Opener) -> None:
    page = (await opened("/?code=stolen&state=guessed")).page
    await expect(page.locator(".signin")).to_contain_text("That sign-in was not begun in this tab.")
    assert signin.grants == []
    assert "code=" not in page.url
