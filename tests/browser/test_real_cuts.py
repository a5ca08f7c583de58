"""The page on the real thing while its connection is cut again and again and the server is started anew: its log is the bucket's."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from murmur.local.gateway import Gateway
from tests.browser.load import held, log_read, newest_held
from tests.e2e.flock import Flock, documents
from tests.e2e.flock import flock as real_flock

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]
AGENTS = 6
CUTS = 50


def cut(gateway: Gateway) -> None:
    """Drop every connection to the gateway in the midst of whatever it says, as a network does."""
    assert gateway._server is not None
    for connection in list(gateway._server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()


async def bucket(flock: Flock) -> dict[int, list[int]]:
    logs = [await flock.call("GET", f"agents/{agent}/log") for agent in range(AGENTS)]
    return {agent: [entry["iteration"] for entry in log["entries"]] for agent, log in enumerate(logs)}


async def cut_often(page: Page, gateway: Gateway, times: int, chance: random.Random) -> None:
    for _ in range(times):
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        cut(gateway)
        if chance.random() < 0.7:  # as a network that comes back says; else the page tries by itself
            await page.evaluate("dispatchEvent(new Event('online'))")


async def test_fifty_cuts_and_a_new_server_leave_the_page_with_exactly_the_buckets_log(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways: list[Gateway] = []

    class Kept(Gateway):
        async def start(self, port: int = 0) -> str:
            gateways.append(self)
            return await super().start(port)

    monkeypatch.setattr("murmur.local.stack.Gateway", Kept)
    chance = random.Random(11)
    page = await browser.new_page()
    try:
        async with real_flock(tmp_path, think_seconds=0.4) as flock:
            port = int(flock.stack.url.rsplit(":", 1)[1])
            await page.goto(flock.stack.url)
            await expect(page.locator(".live")).to_have_text("live")
            await flock.knowledge(documents(60))
            await flock.start("Digest every document.", concurrency=AGENTS, loopIntervalSeconds=5)
            await flock.until(lambda status: status["totals"]["turns"] >= AGENTS)
            await cut_often(page, gateways[-1], CUTS // 2, chance)
        await expect(page.locator(".live")).not_to_have_text("live")
        async with real_flock(tmp_path, think_seconds=0.4, port=port) as flock:
            await cut_often(page, gateways[-1], CUTS - CUTS // 2, chance)
            await flock.until(lambda status: status["state"] == "settled")
            logs = await bucket(flock)
            assert sum(map(len, logs.values())) > 60
            await newest_held(page, {agent: log[-1] for agent, log in logs.items()})
            assert await held(page) == logs
            assert await log_read(page, 2) == logs[2]
            await expect(page.locator(".live")).to_have_text("live", timeout=60_000)
            await expect(page.locator(".badge")).to_have_text("settled")
    finally:
        await page.close()
