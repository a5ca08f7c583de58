"""Serve the dashboard over a pretended flock: ``python -m tests.browser.fake --agents 8``. Ctrl-C ends it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib

from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.server import serving
from tests.browser.fake.story import Story


async def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--radius", type=int, default=1)
    parser.add_argument("--port", type=int, default=8180)
    parser.add_argument("--stopped", action="store_true")
    given = parser.parse_args()
    flock = FakeFlock(given.agents, radius=given.radius, running=not given.stopped)
    story = Story(flock)
    async with serving(flock, given.port) as address:
        print(address, flush=True)
        if not given.stopped:
            await story.history(given.agents * 5)
        await story.activity()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
