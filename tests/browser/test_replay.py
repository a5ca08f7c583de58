"""A replay shows what the logs say: at any moment, stepped to or jumped to, in the same views; and its links lead to that moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from murmur.entry import timestamp
from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.rooms import PastRun
from tests.browser.fake.waves import as_present, waves

pytestmark = pytest.mark.asyncio(loop_scope="session")
ENDED = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def past(flock: FakeFlock) -> PastRun:
    """An earlier run of eight agents, with a pause."""
    run = waves(8, seconds=120, ended=ENDED, pause=(50, 60))
    flock.past[run.run] = run
    return run


def moment(run: PastRun, second: float) -> datetime:
    return datetime.fromisoformat(run.started) + timedelta(seconds=second)


def ends(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["ts"])


def told(run: PastRun, when: datetime) -> dict[int, tuple[int, bool]]:
    """What the logs say of a moment: how many turns each agent had taken, and whether it was in one."""
    said = {}
    for agent, log in run.logs.items():
        over = [entry for entry in log if ends(entry) <= when]
        going = [e for e in log if ends(e) - timedelta(milliseconds=e["turn_ms"]) <= when < ends(e)]
        said[agent] = (len(over), bool(going))
    return said


SHOWN = """() => Object.fromEntries([...document.querySelectorAll("murmur-card")].map((card) =>
  [card.dataset.key, [Number(/(\\d+) turns?/.exec(card.textContent)?.[1] ?? 0), card.dataset.state === "turn"]]))"""


async def shows(page: Page, run: PastRun, when: datetime) -> None:
    """Wait until the cards say what the logs say of this moment (they are drawn a frame after it)."""
    wanted = {str(agent): list(pair) for agent, pair in told(run, when).items()}
    await page.wait_for_function(
        f"wanted => JSON.stringify(({SHOWN})()) === JSON.stringify(wanted)", arg=wanted, timeout=30_000
    )


async def address(page: Page) -> datetime:
    """The moment the address names."""
    return datetime.fromisoformat(await page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('t')"))


def link(run: PastRun, second: float, view: str = "", more: str = "") -> str:
    return f"/#/{view}?run={run.run}&t={timestamp(moment(run, second))}{more}"


async def test_every_moment_is_as_the_logs_say_jumped_to_or_stepped_to(past: PastRun, opened: Opener) -> None:
    page = (await opened(link(past, 0))).page
    bar = page.locator("murmur-replay")
    await expect(bar.locator(".replay-density path")).to_be_attached()
    await expect(page.locator("murmur-card")).to_have_count(8)
    for second in (90, 20, 55, 119, 3.2):
        await page.goto(page.url.split("#")[0] + link(past, second)[1:])
        await expect(page.locator(".replay-time")).to_have_text(
            re.compile(f"^0{int(second) // 60}:{int(second) % 60:02}")
        )
        await shows(page, past, moment(past, second))
    for _ in range(12):
        await page.get_by_role("button", name="Next event").click()
    stepped = await address(page)
    assert stepped > moment(past, 3.2)
    await shows(page, past, stepped)
    for _ in range(12):
        await page.get_by_role("button", name="Event before").click()
    back = await address(page)
    assert back < stepped
    await shows(page, past, back)


async def test_it_plays_at_the_chosen_speed_pauses_and_ends(past: PastRun, opened: Opener) -> None:
    page = (await opened(link(past, 100))).page
    await expect(page.locator("murmur-replay .replay-density path")).to_be_attached()
    await page.get_by_label("Speed").select_option("0.5")
    await page.keyboard.press("k")
    await expect(page.locator(".replay-play")).to_contain_text("Pause")
    await page.get_by_label("Speed").select_option("100")
    await expect(page.locator(".replay-time")).to_have_text("02:00 of 02:00")
    await expect(page.locator(".replay-play")).to_contain_text("Play")
    await shows(page, past, ENDED)
    await page.get_by_label("Speed").select_option("0.5")
    await page.get_by_role("button", name="Play").click()
    await expect(page.locator(".replay-time")).to_have_text(re.compile("^00:0"))
    await page.keyboard.press("k")
    await expect(page.locator(".replay-play")).to_contain_text("Play")
    await expect(page).to_have_url(re.compile("t=2026-11-22T18%3A28"))


async def test_the_scrubber_is_moved_by_keys_and_says_where_it_is(past: PastRun, opened: Opener) -> None:
    page = (await opened(link(past, 30))).page
    slider = page.get_by_label("Moment of the run")
    await expect(slider).to_have_attribute("aria-valuetext", "00:30 of 02:00")
    await slider.focus()
    await page.keyboard.press("End")
    await expect(slider).to_have_attribute("aria-valuetext", "02:00 of 02:00")
    await page.keyboard.press("Home")
    await expect(slider).to_have_attribute("aria-valuetext", "00:00 of 02:00")
    await page.keyboard.press("l")
    await expect(slider).to_have_attribute("aria-valuetext", "00:06 of 02:00")


async def test_the_ring_is_paused_when_the_flock_was_and_agents_stopped_at_the_end(
    past: PastRun, opened: Opener
) -> None:
    page = (await opened(link(past, 58.5))).page
    await expect(page.locator("murmur-card[data-state='paused']").first).to_be_visible()
    await expect(page.locator(".badge")).to_have_text("running")  # the bar on top is the flock's own
    await page.goto(page.url.split("#")[0] + f"#/?run={past.run}")
    await expect(page.locator("murmur-card[data-state='stopped']")).to_have_count(8)
    await expect(page.locator("murmur-replay")).to_contain_text("settled for 60 seconds")


async def test_nobody_is_missing_because_logs_hold_no_heartbeats(flock: FakeFlock, opened: Opener) -> None:
    run = waves(4, seconds=30, ended=ENDED)
    run.ended = timestamp(ENDED + timedelta(seconds=600))  # all were idle for ten minutes before somebody stopped it
    flock.past[run.run] = run
    page = (await opened(f"/#/?run={run.run}&t={timestamp(ENDED + timedelta(seconds=300))}")).page
    await expect(page.locator("murmur-card")).to_have_count(4)
    await expect(page.locator("murmur-replay .replay-density path")).to_be_attached()
    await expect(page.locator("murmur-card:is([data-state='idle'], [data-state='waiting'])")).to_have_count(4)
    await expect(page.locator("murmur-agents .hint").first).to_have_text("4 agents")


async def test_log_timeline_and_files_are_those_of_the_run_and_the_selection_stays(
    past: PastRun, opened: Opener
) -> None:
    watched = await opened(link(past, 110, more="&agent=3"))
    page = watched.page
    log = page.locator("murmur-detail .log-entry")
    over = [entry for entry in past.logs[3] if ends(entry) <= moment(past, 110)]
    await expect(log.first).to_have_attribute("data-entry", str(over[-1]["iteration"]))
    await expect(log.first).to_contain_text(over[-1]["action"])
    await page.get_by_role("link", name="Timeline").click()
    turns = sum(len(entries) for entries in past.logs.values())
    await expect(page.locator("murmur-timeline .hint").first).to_have_text(f"{turns} turns of 8 agents")
    await expect(page.locator(".why-sight h3")).to_contain_text("Agent 3, turn")
    await expect(page.locator("murmur-replay")).to_be_visible()
    await page.get_by_role("link", name="Environment").click()
    written = {key for log in past.logs.values() for e in log if ends(e) <= moment(past, 110) for key in e["files"]}
    await expect(page.locator(".file")).to_have_count(len(written))
    await page.locator(".file").first.click()
    await expect(page.locator(".viewer-body .prose")).to_contain_text("Digest of")
    await page.goto(page.url.split("#")[0] + link(past, 0, "environment")[1:])
    await expect(page.locator(".file")).to_have_count(0)
    await page.get_by_role("link", name="Queues").click()
    await expect(page.locator("murmur-queues .empty")).to_contain_text("An earlier run has no queues")
    await page.get_by_role("link", name="Back to now").click()
    await expect(page.locator("murmur-replay")).to_have_count(0)
    await expect(page.locator(".queues tbody tr")).to_have_count(8)


async def test_in_a_replay_the_timeline_can_be_moved_away_from_the_moment_shown(past: PastRun, opened: Opener) -> None:
    page = (await opened(link(past, 100, "timeline"))).page
    await expect(page.locator("murmur-replay .replay-density path")).to_be_attached()
    board = page.locator(".tl-board")
    await expect(board).to_be_visible()
    for _ in range(4):
        await page.get_by_role("button", name="Zoom in").click()
    for _ in range(12):
        await board.press("Shift+ArrowLeft")
    shown = float(await board.evaluate("one => one.dataset.to"))
    assert shown < moment(past, 100).timestamp() * 1000
    follow = page.get_by_role("button", name="Follow")
    await follow.click()
    await page.wait_for_function(
        "at => { const { from, to } = document.querySelector('.tl-board').dataset; return from <= at && at <= to; }",
        arg=moment(past, 100).timestamp() * 1000,
    )


async def test_the_run_that_goes_on_is_replayed_too_and_stays_live_beside_it(flock: FakeFlock, opened: Opener) -> None:
    run = waves(8, seconds=60)
    as_present(flock, run)
    page = (await opened(f"/#/?run={run.run}&t={timestamp(moment(run, 20))}")).page
    await expect(page.locator("murmur-replay")).to_be_visible()
    await shows(page, run, moment(run, 20))
    before = len(run.logs[2])
    await flock.write(2, "wrote while the past was looked at")
    await page.get_by_role("link", name="Back to now").click()
    await expect(page.locator("murmur-replay")).to_have_count(0)
    await expect(page.locator("murmur-card[data-key='2']")).to_contain_text("wrote while the past was looked at")
    assert len(run.logs[2]) == before + 1


async def test_words_of_an_earlier_run_are_as_harmless(flock: FakeFlock, past: PastRun, opened: Opener) -> None:
    evil = '<img src=x onerror="window.harmed = 1">'
    for log in past.logs.values():
        for entry in log:
            entry.update(action=evil, result=evil, next_intent=evil, cause=evil, files=[f"output/{evil}"])
    past.direction = past.reason = evil
    page = (await opened(link(past, 119, more="&agent=1"))).page
    await expect(page.locator("murmur-detail .log-entry").first).to_contain_text(evil)
    for view in ("Timeline", "Environment", "History"):
        await page.get_by_role("link", name=view).click()
        await expect(page.locator("main")).to_contain_text("onerror")
    assert await page.locator("main img").count() == 0
    assert not await page.evaluate("Boolean(window.harmed)")


async def test_a_run_that_is_not_there_says_so(opened: Opener) -> None:
    watched = await opened("/#/?run=20200101T000000Z")
    watched.expected.append("404")
    await expect(watched.page.locator("murmur-frame")).to_contain_text("There is no run")
    await expect(watched.page.locator("murmur-frame")).to_contain_text("lists them")
