"""The page under load and under attack by its network: nothing dropped, nothing doubled, never blocked, never growing.

``MURMUR_STRESS_SECONDS=60`` runs the load for a whole minute.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.server import serving
from tests.browser.load import MainThread, caught_up, held, log_read, size_of, write_steadily

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECONDS = float(os.environ.get("MURMUR_STRESS_SECONDS", "10"))
BLOCKED_MS = 100
CUTS = 50
HELD_OF_ONE = 200
"""As many entries of a log the page holds at most; older ones are read again when they are looked at."""


def bucket(flock: FakeFlock) -> dict[int, list[int]]:
    return {agent: [entry["iteration"] for entry in log] for agent, log in flock.logs.items()}


async def test_64_agents_at_20_entries_a_second_drop_nothing_and_never_block_the_page(
    flock: FakeFlock, opened: Opener, browser: Browser
) -> None:
    flock.config = flock.config.merged({"concurrency": 64, "neighbourRadius": 2})
    flock.begin_run()
    page = (await opened()).page
    await expect(page.locator(".node")).to_have_count(64)
    await expect(page.locator(".live")).to_have_text("live")
    for agent in range(64):
        await flock.write(agent, "the first")
    await caught_up(page, flock)
    elements, heap = await size_of(page)
    thread = MainThread(browser, page)
    await thread.start()
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(SECONDS, over.set)
    written = await write_steadily(flock, 20, over)
    busy = await thread.stop()
    await caught_up(page, flock)
    assert written >= SECONDS * 18
    assert busy.by_processor[0] < BLOCKED_MS, busy
    assert await held(page) == bucket(flock)
    await expect(page.locator(".figure-turns dd")).to_have_text(f"{64 + written:,}".replace(",", "\u202f"))
    await expect(page.locator("murmur-card .agent-foot").nth(63)).to_contain_text(f"{len(flock.logs[63])} turn")
    more_elements, more_heap = await size_of(page)
    assert more_elements < elements + 1500  # the newest entries fill up once, to 80
    assert more_heap < heap + 12
    assert await log_read(page, 7) == bucket(flock)[7]


async def test_a_run_however_long_does_not_grow_the_page(flock: FakeFlock, opened: Opener) -> None:
    page = (await opened()).page
    await expect(page.locator(".live")).to_have_text("live")
    grow = """([from, to]) => {
        const { flock } = document.querySelector("murmur-frame").app;
        for (let iteration = from; iteration < to; iteration++) {
            for (let agent = 0; agent < 8; agent++) {
                const entry = { ts: new Date().toISOString(), iteration, action: `turn ${iteration}`.padEnd(150, "."), result: "done".padEnd(150, "."), next_intent: "on" };
                flock.apply({ type: "entry", agent, entries: [entry] });
            }
        }
    }"""
    sizes = []
    for step in range(3):
        await page.evaluate(grow, [step * 1500, step * 1500 + 1500])
        await expect(page.locator("murmur-card[data-key='7']")).to_contain_text(f"turn {step * 1500 + 1499}")
        sizes.append(await size_of(page))
    assert all(len(log) == 200 and log[-1] == 4499 for log in (await held(page)).values())
    assert sizes[2][0] <= sizes[0][0] * 1.05
    assert sizes[2][1] <= sizes[0][1] + 2


async def test_fifty_cuts_at_random_moments_leave_the_page_with_exactly_the_buckets_log(
    flock: FakeFlock, page: Page
) -> None:
    chance = random.Random(5)
    over = asyncio.Event()
    writing = asyncio.create_task(write_steadily(flock, 60, over, most=8 * HELD_OF_ONE - 8))
    try:
        for _ in range(CUTS):
            await asyncio.sleep(chance.uniform(0.0, 0.12))
            flock.silent = chance.random() < 0.3  # now and then the last pushes before the cut are lost as well
            await asyncio.sleep(chance.uniform(0.0, 0.03))
            await flock.cut()
            flock.silent = False
            async with asyncio.timeout(30):
                while not flock.sockets:
                    await page.evaluate("dispatchEvent(new Event('online'))")  # as a network that comes back says
                    await asyncio.sleep(0.02)
    finally:
        over.set()
        await writing
    await expect(page.locator(".live")).to_have_text("live")
    connections = len([path for _, path, _ in flock.requests if path == "/cluster/ticket"])
    assert connections >= CUTS
    await caught_up(page, flock)
    assert await held(page) == bucket(flock)
    assert await log_read(page, 3) == bucket(flock)[3]
    await flock.write(3, "after it all")
    await expect(page.locator("murmur-card[data-key='3']")).to_contain_text("after it all")


async def test_a_server_that_was_started_again_is_followed_without_a_reload(flock: FakeFlock, browser: Browser) -> None:
    page = await browser.new_page()
    try:
        async with AsyncExitStack() as first:
            address = await first.enter_async_context(serving(flock))
            await page.goto(address)
            await expect(page.locator(".live")).to_have_text("live")
            for turn in range(24):
                await flock.write(turn % 8, f"turn {turn}")
            await caught_up(page, flock)
        flock.ended = asyncio.Event()
        for turn in range(24):
            await flock.write(turn % 3, f"while the server was away {turn}")
        await expect(page.locator(".live")).not_to_have_text("live")
        async with serving(flock, int(address.rsplit(":", 1)[1])):
            await page.evaluate("dispatchEvent(new Event('online'))")
            await expect(page.locator(".live")).to_have_text("live")
            await flock.write(2, "after it all")
            await caught_up(page, flock)
            assert await held(page) == bucket(flock)
            assert await log_read(page, 2) == bucket(flock)[2]
    finally:
        await page.close()
