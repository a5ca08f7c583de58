"""Signing in with PKCE where a deployment asks for it, tokens renewed in time, and a way out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

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
    page = (await opened("/#/?agent=3")).page
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
    async with page.expect_navigation():  # to the sign-in page, and back
        await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to see this flock")).to_be_visible()
    assert await page.evaluate("sessionStorage.length + localStorage.length") == 0


async def test_a_token_is_renewed_before_it_runs_out_and_when_it_is_refused(signin: FakeSignIn, opened: Opener) -> None:
    watched = await opened()
    watched.expected.append("401")
    page = watched.page
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".live")).to_have_text("live")
    signin.revoke()
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("paused")
    assert signin.grants == ["authorization_code", "refresh_token"]
    signin.seconds = 30  # less than the page wants to have left
    signin.revoke()
    await page.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("running")

    def refused() -> list[str]:
        return [words for words in watched.complaints if "/cluster/pause" in words]

    grants, refusals = len(signin.grants), refused()
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("paused")
    assert len(signin.grants) > grants
    assert refused() == refusals  # renewed before it could be refused


async def test_a_session_that_is_over_leads_back_to_the_sign_in(signin: FakeSignIn, opened: Opener) -> None:
    watched = await opened()
    watched.expected += ["401", "400"]
    page = watched.page
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".live")).to_have_text("live")
    signin.refuse_refresh = True
    signin.revoke()
    await page.keyboard.press("p")  # not a click: what the page reads in the background may have led there by itself
    await expect(page.locator(".signin")).to_contain_text("Your sign-in has run out.")
    await expect(page.locator(".page")).to_be_hidden()


@pytest_asyncio.fixture(loop_scope="session")
async def staying(signin: FakeSignIn, opened: Opener) -> AsyncIterator[Page]:
    """A page where one is signed in, and which a sign-out leaves standing, as in the moment before the browser is elsewhere."""
    watched = await opened()
    watched.expected.append("401")
    page = watched.page
    await page.route("**/oauth2/logout*", lambda route: route.fulfill(status=204))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".live")).to_have_text("live")
    yield page
    await expect(page.locator("murmur-actions .notice-bad")).to_contain_text("Nobody is signed in.")
    await expect(page.locator(".signin")).to_contain_text("You come back here afterwards.")
    assert await page.evaluate("sessionStorage.length") == 0


async def test_what_is_refused_after_the_sign_out_is_not_asked_again_without_a_token(staying: Page) -> None:
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    await staying.route("**/cluster/pause", hold)
    await staying.get_by_role("button", name="Pause", exact=True).click()
    await expect(staying.get_by_role("button", name="Pause", exact=True)).to_be_disabled()
    await staying.get_by_role("button", name="Sign out").click()
    await expect(staying.locator(".signin")).to_be_visible()
    await asked[0].fulfill(status=401, json={"message": "Unauthorized"})
    await expect(staying.locator("murmur-actions .notice-bad")).to_be_attached()
    assert len(asked) == 1


async def test_a_renewal_that_ends_after_the_sign_out_signs_nobody_in(signin: FakeSignIn, staying: Page) -> None:
    signin.holding = asyncio.Event()
    signin.revoke()
    async with staying.expect_request("**/oauth2/token"):
        await staying.get_by_role("button", name="Pause", exact=True).click()
    await staying.get_by_role("button", name="Sign out").click()
    await expect(staying.locator(".signin")).to_be_visible()
    signin.holding.set()
    await expect(staying.locator("murmur-actions .notice-bad")).to_be_attached()
    await expect(staying.locator(".page")).to_be_hidden()


async def test_a_code_that_was_not_asked_for_in_this_tab_is_not_taken(signin: FakeSignIn, opened: Opener) -> None:
    page = (await opened("/?code=stolen&state=guessed")).page
    await expect(page.locator(".signin")).to_contain_text("That sign-in was not begun in this tab.")
    assert signin.grants == []
    assert "code=" not in page.url
