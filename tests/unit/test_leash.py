"""A host whose starter is gone ends: in good order if it can, and soon in any case."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Any

import pytest

from agent import host as module
from agent.keeper import keep_alive


class Agents:
    """What a host runs, and that it was asked to end."""

    def __init__(self) -> None:
        self.asked = False

    def stop(self) -> None:
        self.asked = True


@pytest.mark.parametrize("able", [True, False])
async def test_a_host_whose_starter_is_gone_is_asked_to_end_and_cut_off_if_it_cannot(
    able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as leash:
        monkeypatch.setattr(sys, "stdin", leash)
        monkeypatch.setattr(module, "HASTE_SECONDS", 0.0)
        agents: Any = Agents()
        done = asyncio.Event()
        if able:
            done.set()
        living: asyncio.Task[Any] = asyncio.ensure_future(done.wait())
        loop = asyncio.get_running_loop()
        loop.add_reader(reading, module._leash(loop, agents, living))
        await asyncio.sleep(0)
        assert not agents.asked
        os.close(writing)
        async with asyncio.timeout(30):
            while not agents.asked:
                await asyncio.sleep(0)
            await asyncio.wait({living})
        assert living.cancelled() is not able


async def test_an_agent_that_breaks_while_its_host_ends_is_not_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    stopping, made = asyncio.Event(), []

    class Breaks:
        async def run(self) -> str:
            stopping.set()
            raise RuntimeError("the store is gone")

    def make() -> Any:
        made.append(Breaks())
        return made[-1]

    with caplog.at_level(logging.WARNING):
        assert await keep_alive(3, make, stopping) == "stopped"
    assert len(made) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "broke while it ended: the store is gone" in caplog.text
