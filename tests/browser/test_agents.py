"""The ring and the agents' panels: who is where, in which state and on what evidence, at 8, 64 and 300 agents."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, Route, expect

from murmur.entry import timestamp
from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.load import all_sent

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ordered(page: Page, agents: list[int]) -> None:
    """Wait until the panels are of these agents, in this order."""
    await page.wait_for_function(
        "wanted => [...document.querySelectorAll('murmur-card')].map(one => one.dataset.key).join() === wanted",
        arg=",".join(map(str, agents)),
    )


def ago(seconds: float) -> str:
    return timestamp(datetime.now(UTC) - timedelta(seconds=seconds))


async def test_an_agent_whose_heartbeat_stopped_is_called_missing_by_its_evidence(
    flock: FakeFlock, opened: Opener
) -> None:
    flock.info[2]["evidence"] = {"alive": ago(100), "age_seconds": 100.0}
    page = (await opened()).page
    card = page.locator("murmur-card[data-key='2']")
    await expect(card).to_have_attribute("data-state", "waiting")
    flock.ahead_seconds = 60  # a minute later
    await flock.push(
        flock.snapshot()
    )  # nobody says that nothing was heard of one; but of the others the page does hear
    await expect(card).to_have_attribute("data-state", "missing")
    await expect(card.locator(".agent-trouble")).to_contain_text("last sign of life 2 min")
    await expect(page.locator("murmur-agents .is-bad")).to_contain_text("1 problem")
    await expect(page.locator(".node[aria-label='agent 2, missing']")).to_have_count(1)
    await flock.write(2, "back again")
    await expect(card).to_have_attribute("data-state", "waiting")


async def test_an_agent_is_not_missing_because_the_page_hears_nothing(flock: FakeFlock, opened: Opener) -> None:
    watched = await opened()
    watched.expected += ["503", "WebSocket"]
    page = watched.page
    await expect(page.locator(".live")).to_have_text("live")
    await page.clock.install()
    flock.down = flock.refuse_sockets = True
    await flock.cut()
    await page.clock.fast_forward(600_000)
    await expect(page.locator(".live")).to_have_attribute("data-kind", "stale")
    await expect(page.locator("murmur-card[data-state='missing']")).to_have_count(0)


async def test_problems_come_first_on_demand_and_the_order_is_else_stable(flock: FakeFlock, page: Page) -> None:
    await flock.change(6, status="parked", detail="200 of 200 turns are spent")
    await flock.change(4, status="backing-off", detail="the runner asked to slow down", until=ago(-55))
    await flock.change(1, status="idle")
    await ordered(page, list(range(8)))
    await page.keyboard.press("!")
    await expect(page.get_by_role("button", name="Problems first")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("murmur-card").first).to_contain_text("200 of 200 turns are spent")
    await ordered(page, [6, 4, 0, 1, 2, 3, 5, 7])
    await expect(page.locator("murmur-card[data-key='4'] .agent-age")).to_have_text(re.compile(r"^in \d\d s$"))
    for _ in range(4):
        await flock.write(3, "wrote again")
    await expect(page.locator("murmur-card[data-key='3']")).to_contain_text("4 turns")
    await ordered(page, [6, 4, 0, 1, 2, 3, 5, 7])
    await page.keyboard.press("!")
    await expect(page.locator("murmur-card").first).to_contain_text("agent 0")
    await ordered(page, list(range(8)))


async def test_agents_are_found_by_number_state_and_words(flock: FakeFlock, page: Page) -> None:
    await flock.write(2, "took gate.md and wrote its digest")
    await flock.write(5, "compared notes", state="idle")
    box = page.get_by_label("Filter agents")
    await page.keyboard.press("/")
    await expect(box).to_be_focused()
    for words, found in (("gate DIGEST", [2]), ("idle", [5]), ("7", [7]), ("agent", list(range(8)))):
        await box.fill(words)
        await ordered(page, found)
    await box.fill("nobody says this")
    await page.get_by_role("button", name="Show all").click()
    await expect(page.locator("murmur-card")).to_have_count(8)


async def test_agents_show_as_grid_list_and_compact_and_the_choice_is_kept(flock: FakeFlock, page: Page) -> None:
    await flock.write(2, "took gate.md", "digest written")
    tall = {}
    for form in ("grid", "list", "compact"):
        await page.get_by_role("button", name=form, exact=True).click()
        await expect(page.locator(f".agents[data-form='{form}']")).to_be_visible()
        box = await page.locator("murmur-card[data-key='2']").bounding_box()
        assert box is not None
        tall[form] = box["height"]
    assert tall["compact"] <= 40
    assert tall["list"] <= 40 < tall["grid"]
    await page.reload()
    await expect(page.locator(".agents[data-form='compact'] murmur-card")).to_have_count(8)


async def test_the_detail_tells_host_load_and_inbox(flock: FakeFlock, page: Page) -> None:
    load = {
        "cpu_percent": 12.4,
        "memory_bytes": 300 << 20,
        "network_in_bytes": 2048,
        "network_out_bytes": 10,
        "healthy": False,
    }
    inbox = {"visible": 2, "in_flight": 1, "dead": 1, "oldest_seconds": 75.0}
    await flock.change(4, metrics=load, inbox=inbox)
    await page.locator(".node[aria-label^='agent 4,']").click()
    facts = page.locator(".facts")
    await expect(facts).to_contain_text("host-0, unhealthy, 12 % CPU, 300.0 MB, net 2.0 kB in, 10 B out (running)")
    await expect(facts).to_contain_text("2 messages waiting, 1 in work, 1 dead, oldest 1 min 15 s")


async def test_a_directive_is_given_replaced_and_taken_away(flock: FakeFlock, page: Page) -> None:
    await page.locator(".node[aria-label^='agent 4,']").click()
    await expect(page.locator("murmur-detail .card-title")).to_have_text("Agent 4")
    await page.get_by_text("Directive").first.click()
    box = page.get_by_role("textbox", name="Directive")
    await box.fill("Look at the queues first.")
    await box.press("Control+Enter")
    await expect(page.get_by_text("Given.")).to_be_visible()
    assert flock.directives == {4: "Look at the queues first."}
    await page.get_by_role("button", name="Take it away").click()
    await expect(page.get_by_text("Taken away.")).to_be_visible()
    await expect(box).to_have_value("")
    assert flock.directives == {}


async def test_a_directive_that_was_read_late_does_not_undo_what_was_given_meanwhile(
    flock: FakeFlock, page: Page
) -> None:
    reading: list[Route] = []
    await page.route(
        "**/agents/4/directive",
        lambda route: reading.append(route) if route.request.method == "GET" else route.continue_(),
    )
    await page.locator(".node[aria-label^='agent 4,']").click()
    async with page.expect_request("**/agents/4/directive"):
        await page.get_by_text("Directive").first.click()
    box = page.get_by_role("textbox", name="Directive")
    await box.fill("Look at the queues first.")
    await box.press("Control+Enter")
    await expect(page.get_by_text("Given.")).to_be_visible()
    async with page.expect_event("requestfinished", lambda request: request.method == "GET"):
        await reading[0].fulfill(json={"agent": 4, "text": "", "etag": ""})
    await all_sent(page, flock)
    await expect(page.get_by_text("Given.")).to_be_visible()
    await expect(page.get_by_role("button", name="Take it away")).to_be_visible()


async def test_who_works_by_the_direction_is_shown(flock: FakeFlock, page: Page) -> None:
    for agent in range(8):
        await flock.write(agent)
    words = page.locator(".pickup .hint")
    await expect(words).to_have_text("Picked up by all 8 agents")
    await flock.direct("Count the birds.")
    await expect(words).to_have_text("Picked up by 0 of 8 agents")
    await flock.begin(1, "direction")
    await expect(page.locator(".pickup-cells [data-pickup='reading']")).to_have_count(1)
    for agent in range(6):
        await flock.write(agent)
    await expect(words).to_have_text("Picked up by 6 of 8 agents; not yet: 6, 7")
    await expect(page.locator(".pickup-cells [data-pickup='taken']")).to_have_count(6)


@pytest.mark.parametrize("agents", [8, 64, 300])
async def test_the_ring_is_legible_and_a_write_lights_the_edge_to_whom_it_wakes(
    flock: FakeFlock, opened: Opener, agents: int
) -> None:
    flock.config = flock.config.merged({"concurrency": agents, "neighbourRadius": 2})
    flock.begin_run()
    page = (await opened()).page
    await expect(page.locator(".node")).to_have_count(agents)
    places = await page.locator(".node").evaluate_all(
        """all => all.map(one => {
            const box = one.querySelector(".node-ground").getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2, box.width / 2];
        })"""
    )
    for index, (x, y, size) in enumerate(places):
        assert size >= 3.5
        for other_x, other_y, other in places[:index]:
            assert ((x - other_x) ** 2 + (y - other_y) ** 2) ** 0.5 > size + other
    labels = [label for label in await page.locator(".node-label").all_text_contents() if label]
    assert len(labels) == (agents if agents <= 64 else 30)
    await page.locator(".node[aria-label^='agent 7,']").hover()
    await expect(page.locator(".ring-caption")).to_contain_text(
        f"agent 7, waiting, reads {'5, 6, 0, 1' if agents == 7 else '5, 6'}"
        if agents > 8
        else "agent 7, waiting, reads 0, 1, 5, 6"
    )
    await expect(page.locator(".edge.is-near")).to_have_count(4)
    if agents > 8:
        near = await page.locator(".node:not(.is-dim)").evaluate_all(
            "all => all.map(one => one.getAttribute('aria-label'))"
        )
        assert [label.split(",")[0] for label in near] == [f"agent {n}" for n in (5, 6, 7, 8, 9)]
    await page.mouse.move(0, 0)
    seen = """
        window.lit = [];
        new MutationObserver((changes) => {
            for (const { addedNodes } of changes) for (const node of addedNodes) lit.push([node.getAttribute("class"), node.textContent]);
        }).observe(document.querySelector(".lights"), { childList: true });
    """
    await page.evaluate(seen)
    entry = await flock.write(1, "took gate.md")
    at = datetime.fromisoformat(entry["ts"]) + timedelta(milliseconds=37)
    flock.info[2]["turn"] = None
    turn = {"iteration": 0, "cause": "neighbour", "since": timestamp(at), "woken_by": [{"agent": 1, "iteration": 0}]}
    await flock.change(2, status="turn", turn=turn)
    await expect(page.locator(".node[aria-label='agent 2, in a turn']")).to_have_count(1)
    await page.wait_for_function("() => lit.some(([kind]) => kind === 'flash-label')")
    lit = await page.evaluate("lit")
    assert [kind for kind, _ in lit].count("spread") == 4
    assert ["flash-label", "37 ms"] in lit
    assert [kind for kind, _ in lit].count("flash") == 1
    await expect(page.locator(".lights > *")).to_have_count(0)
