"""The page follows the flock without a reload, through gaps, cuts and outages: every entry once, in order."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.load import all_sent, caught_up

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def log_of(page: Page, flock: FakeFlock, agent: int) -> list[int]:
    """The iterations the page shows of the agent's log, oldest first, once it has heard of the newest."""
    await caught_up(page, flock)
    await page.locator(f".node[aria-label^='agent {agent},']").click()
    await expect(page.locator("murmur-detail .card-title")).to_have_text(f"Agent {agent}")
    await expect(page.locator("murmur-detail .log-entry").first).to_be_visible()
    await expect(page.locator("murmur-detail .is-waiting")).to_have_count(0)
    shown = await page.locator("murmur-detail .log-entry").evaluate_all(
        "rows => rows.map(row => Number(row.dataset.entry))"
    )
    return shown[::-1]


async def entries_held(page: Page, agent: int, count: int) -> None:
    """Wait until the agent's card counts that many turns."""
    await expect(page.locator(f"murmur-card[data-key='{agent}'] .agent-foot")).to_contain_text(f"{count} turn")


async def rows_at_rest(page: Page, oldest: int, newest: int) -> list[int]:
    """The rows of the log once all in sight are read, none moves any more, and the middle one is between these."""
    rows = await page.wait_for_function(
        """([oldest, newest]) => {
            const elements = [...document.querySelectorAll("murmur-log .log-entry")];
            const rows = elements.map((row) => Number(row.dataset.entry));
            const before = window.atRest;
            window.atRest = JSON.stringify(elements.map((row) => [row.dataset.entry, row.getBoundingClientRect().y]));
            const middle = rows[rows.length >> 1];
            return before === window.atRest && rows.every(Number.isInteger) && middle >= oldest && middle <= newest && rows;
        }""",
        arg=[oldest, newest],
    )
    return [int(row) for row in await rows.json_value()]


def live(page: Page, kind: str) -> object:
    return expect(page.locator(".live")).to_have_attribute("data-kind", kind)


async def test_the_first_look_shows_state_agents_and_their_last_words(flock: FakeFlock, opened: Opener) -> None:
    await flock.write(3, "took wake.md", "digest written")
    await flock.write(
        3,
        "took gate.md",
        "second digest written",
        cause="neighbour",
        woken_by=[{"agent": 2, "iteration": 7}],
        wake_ms=12,
    )
    page = (await opened()).page
    await expect(page.locator(".badge")).to_have_text("running")
    await expect(page.locator("murmur-card")).to_have_count(8)
    card = page.locator("murmur-card[data-key='3']")
    await expect(card).to_contain_text("took gate.md")
    await expect(card).to_contain_text("took wake.md — digest written")
    await expect(card).to_contain_text("woken by agent 2's entry 7, 12 ms")
    await expect(card).to_contain_text("reads 2, 4")
    await expect(card).to_contain_text("scripted")
    await expect(page.locator(".node")).to_have_count(8)
    await expect(page.locator(".figure-turns dd")).to_have_text("2")


async def test_an_entry_appears_without_a_reload(flock: FakeFlock, page: Page) -> None:
    await flock.begin(5, woken_by=[{"agent": 4, "iteration": 0}])
    await expect(page.locator(".node[aria-label='agent 5, in a turn']")).to_have_count(1)
    await flock.write(5, "compared notes", state="idle")
    await expect(page.locator("murmur-card[data-key='5']")).to_contain_text("compared notes")
    await expect(page.locator(".node[aria-label='agent 5, idle']")).to_have_count(1)
    await expect(page.locator(".feed-item").first).to_contain_text("compared notes")
    assert [kind for verb, kind, _ in flock.requests if verb == "WS" and kind == "snapshot"] == ["snapshot"]


async def test_a_gap_is_filled_by_a_resume_with_no_double(flock: FakeFlock, page: Page) -> None:
    await flock.write(1, "before")
    await entries_held(page, 1, 1)
    flock.silent = True
    await flock.write(1, "lost on the way")
    await flock.write(1, "lost too")
    flock.silent = False
    await flock.write(1, "after")
    await entries_held(page, 1, 4)
    await expect(page.locator(".feed-item")).to_have_count(4)
    assert await log_of(page, flock, 1) == [0, 1, 2, 3]
    asked = [
        message["cursor"]["agents"]["1"] for verb, kind, message in flock.requests if (verb, kind) == ("WS", "resume")
    ]
    assert asked == [0]


async def test_messages_too_large_for_a_frame_are_fetched(flock: FakeFlock, opened: Opener) -> None:
    flock.references = True
    await flock.write(1, "before the page came")
    page = (await opened()).page
    await live(page, "live")
    await expect(page.locator("murmur-card[data-key='1']")).to_contain_text("before the page came")
    flock.silent = True
    await flock.write(1, "while the network slept")
    await flock.direct("Unheard.")
    await flock.cut()
    flock.silent = False
    await expect(page.locator("murmur-card[data-key='1']")).to_contain_text("while the network slept")
    await expect(page.get_by_label("Direction", exact=True)).to_have_value("Unheard.")
    assert await log_of(page, flock, 1) == [0, 1]


async def test_a_hole_in_the_log_itself_does_not_make_the_page_ask_for_ever(flock: FakeFlock, page: Page) -> None:
    await flock.write(1)
    await flock.write(1, "this line is broken in the bucket")
    flock.logs[1].pop()
    broken = await flock.write(1, "overwritten")
    flock.logs[1][-1] = broken | {"iteration": 3}
    await flock.write(1, iteration=4)
    await caught_up(page, flock)
    before = len(flock.requests)
    await flock.write(1, iteration=5)
    await caught_up(page, flock)
    await all_sent(page, flock)
    assert [kind for _, kind, _ in flock.requests[before:] if kind == "resume"] == []


async def test_a_cut_connection_comes_back_and_nothing_is_missing_or_doubled(flock: FakeFlock, page: Page) -> None:
    for turn in range(12):
        agent = turn % 3
        await flock.write(agent, f"turn {turn}")
        if turn % 3 == 1:
            await flock.cut()
            await flock.write(agent, f"while away {turn}")
            await live(page, "live")
    for agent in range(3):
        await entries_held(page, agent, len(flock.logs[agent]))
        assert await log_of(page, flock, agent) == list(range(len(flock.logs[agent])))


async def test_a_server_that_answers_nothing_is_told_as_stale_and_caught_up_with_later(
    flock: FakeFlock, opened: Opener
) -> None:
    watched = await opened()
    watched.expected += ["503", "WebSocket"]
    page = watched.page
    await live(page, "live")
    await page.clock.install()
    flock.down = flock.refuse_sockets = True
    await flock.cut()
    await flock.write(2, "unheard")
    await page.clock.fast_forward(12_000)
    await expect(page.locator(".live")).to_have_text(re.compile(r"^stale for \d+ s$"), timeout=40_000)
    await expect(page.locator(".live")).to_have_attribute("title", re.compile("murmur up"))
    flock.down = flock.refuse_sockets = False
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator(".live")).to_have_attribute("data-kind", "live", timeout=40_000)
    await expect(page.locator("murmur-card[data-key='2']")).to_contain_text("unheard")


async def test_without_a_socket_the_page_polls_and_still_has_every_entry(flock: FakeFlock, opened: Opener) -> None:
    flock.refuse_sockets = True
    await flock.write(6, "at first")
    watched = await opened()
    watched.expected.append("WebSocket")
    page = watched.page
    await live(page, "polling")
    for turn in range(5):
        await flock.write(6, f"turn {turn}")
    await entries_held(page, 6, 6)
    assert await log_of(page, flock, 6) == [0, 1, 2, 3, 4, 5]
    flock.refuse_sockets = False
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator(".live")).to_have_attribute("data-kind", "live", timeout=40_000)
    await flock.write(6, "over the socket again")
    await expect(page.locator("murmur-card[data-key='6']")).to_contain_text("over the socket again")


async def test_a_new_run_replaces_the_old_ones_entries(flock: FakeFlock, page: Page) -> None:
    for _ in range(3):
        await flock.write(0, "of the old run")
    await entries_held(page, 0, 3)
    await flock.act("stop")
    await flock.act("start")
    await flock.write(0, "of the new run")
    await expect(page.locator("murmur-card[data-key='0']")).to_contain_text("of the new run")
    await expect(page.locator(".feed-item")).to_have_count(1)
    assert await log_of(page, flock, 0) == [0]


async def test_a_long_log_is_all_there_by_scrolling_while_only_what_is_in_sight_exists(
    flock: FakeFlock, opened: Opener
) -> None:
    for turn in range(2000):
        flock.logs[4].append(flock.entry(4, f"turn {turn}", "done"))
    page = (await opened()).page
    await expect(page.locator("murmur-card[data-key='4']")).to_contain_text("turn 1999")
    assert await log_of(page, flock, 4)
    log = page.locator("murmur-log")
    await expect(log.locator("[data-entry='1999']")).to_contain_text("turn 1999")
    for share, oldest, newest in ((0.5, 900, 1100), (1.0, 0, 30), (0.25, 1400, 1600)):
        await log.evaluate("(log, share) => { log.scrollTop = log.scrollHeight * share; }", share)
        shown = await rows_at_rest(page, oldest, newest)
        assert shown == list(range(shown[0], shown[-1] - 1, -1))
        assert len(shown) < 60
    top = await log.locator(f"[data-entry='{shown[len(shown) // 2]}']").bounding_box()
    for turn in range(2000, 2005):
        await flock.write(4, f"turn {turn}")
    await expect(page.locator("murmur-card[data-key='4']")).to_contain_text("turn 2004")
    after = await log.locator(f"[data-entry='{shown[len(shown) // 2]}']").bounding_box()
    assert top is not None
    assert after is not None
    assert abs(after["y"] - top["y"]) < 2  # what one reads does not jump
