"""What the operator does on the page reaches the API, and what the API answers reaches the operator."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from murmur.errors import InvalidConfig
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
    await expect(page.locator("murmur-plan")).to_contain_text(
        "12 agents, each reads 2; news reaches everyone in 6 hops"
    )
    await expect(page.locator("murmur-plan")).to_contain_text("2 processes on this machine")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("running")
    await expect(page.locator("murmur-card")).to_have_count(12)
    assert sent(flock, "POST", "/cluster/start") == [{"direction": "Count the birds.", "config": {"concurrency": 12}}]
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("paused")
    await page.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("running")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await page.get_by_role("button", name="Stop the flock").click()
    await expect(page.locator(".badge")).to_have_text("stopped")


async def test_a_wrong_setting_says_why_while_it_is_typed_and_is_never_sent(opened: Opener, flock: FakeFlock) -> None:
    await flock.act("stop")
    page = (await opened()).page
    radius, problem = page.get_by_label("Radius"), page.locator("#field-neighbourRadius-problem")
    for wrong, words in (
        ("9", "At most half the flock: 4 for 8 agents."),
        ("0", "At least 1"),
        ("1.5", "A whole number"),
        ("two", "A number"),
    ):
        await radius.fill(wrong)
        await expect(problem).to_contain_text(words)
        await expect(radius).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(radius).to_be_focused()
    assert sent(flock, "POST", "/cluster/start") == []
    await radius.fill("2")
    await expect(problem).to_be_hidden()
    await page.get_by_text("Budget").click()
    await page.get_by_label("Turns").fill("100001")
    await expect(page.locator("#field-maxTurnsPerAgent-problem")).to_have_text("At least 1, at most 100000.")


async def test_what_only_the_api_can_refuse_is_told_beside_its_field(opened: Opener, flock: FakeFlock) -> None:
    await flock.act("stop")
    watched = await opened()
    watched.expected.append("400")
    page = watched.page
    await page.get_by_text("Runner").first.click()
    await page.get_by_label("Model").fill("a")
    flock.refuse = InvalidConfig("model", "a", "this runner has no such model")
    await page.get_by_role("button", name="Start", exact=True).click()
    problem = page.locator("#field-model-problem")
    await expect(problem).to_contain_text("this runner has no such model")
    await expect(problem).to_contain_text("Nothing was changed")
    await expect(page.get_by_label("Model")).to_be_focused()
    await expect(page.locator(".badge")).to_have_text("stopped")


async def test_an_error_shows_its_remedy(opened: Opener, flock: FakeFlock) -> None:
    await flock.act("stop")
    watched = await opened()
    watched.expected.append("409")
    page = watched.page
    await expect(page.locator(".badge")).to_have_text("stopped")
    flock.silent = True
    await flock.act("start")  # by somebody else, and the page has not heard of it yet
    await page.get_by_role("button", name="Start", exact=True).click()
    notice = page.locator("murmur-actions > murmur-notice")
    await expect(notice).to_contain_text("one run at a time")
    await expect(notice.locator(".notice-remedy")).to_contain_text("Stop it first")


async def test_settings_changed_during_a_run_are_applied(flock: FakeFlock, page: Page) -> None:
    await expect(page.get_by_role("button", name="Apply")).to_be_hidden()
    await page.get_by_text("Waking and pacing").click()
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


@pytest.fixture
def on_aws(flock: FakeFlock) -> FakeFlock:
    """A stopped flock in an account with room for 16 vCPUs. Asked for before the page."""

    async def types(_: Request) -> Response:
        small = {"type": "t4g.small", "vcpus": 2, "memory_gib": 2, "usd_per_hour": 0.0168, "instances": 8, "agents": 64}
        large = {"type": "m8g.xlarge", "vcpus": 4, "memory_gib": 16, "usd_per_hour": None, "instances": 4, "agents": 32}
        return JSONResponse({"types": [small, large], "vcpu_quota": 16, "vcpus_in_use": 0})

    flock.settings = {"live": None, "auth": None, "aws": True}
    flock.routes = [Route("/cluster/instance-types", types)]
    flock.config = flock.config.merged({"instanceType": "t4g.small"})
    flock.control["state"] = "stopped"
    return flock


async def test_on_aws_the_plan_names_instances_price_and_quota(on_aws: FakeFlock, page: Page) -> None:
    plan = page.locator("murmur-plan")
    await page.get_by_label("Agents", exact=True).fill("24")
    await expect(plan).to_contain_text("3 instances of type t4g.small")
    await expect(plan).to_contain_text("$0.05 for instances, no model is called")
    await page.get_by_text("Machines", exact=True).click()
    kind = page.get_by_label("Instance type")
    await expect(kind.get_by_role("option").first).to_have_text("t4g.small (2 vCPU, 2 GiB, 64 agents fit the quota)")
    await kind.select_option("m8g.xlarge")
    await expect(plan).to_contain_text("the price of 3 instances")
    await page.locator("murmur-controls summary").first.click()
    await page.get_by_label("Agents", exact=True).fill("40")
    await expect(plan).to_contain_text("More than the quota of 16 vCPUs allows")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("running")
    assert sent(on_aws, "POST", "/cluster/start") == [{"config": {"concurrency": 40, "instanceType": "m8g.xlarge"}}]
