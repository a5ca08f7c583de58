"""A flock in the middle of a run whose wakes fit together, with queues, files in two versions and earlier runs: for pictures and by-hand looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from murmur.entry import timestamp
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.rooms import PastRun
from tests.browser.fake.waves import as_present, waves

BEFORE = b"# Wake\n\nA neighbour's write wakes an agent.\n\n## Steps\n\n1. Read what changed.\n2. Judge it.\n\n> Quiet is decided globally.\n"
AFTER = b"# Wake\n\nA neighbour's write wakes an agent, within a second.\n\n## Steps\n\n1. Read what changed, by `Range GET`.\n2. Judge it.\n3. Append *one* line, then acknowledge.\n\n> Quiet is decided globally.\n"


async def working(agents: int = 8, radius: int = 1) -> FakeFlock:
    """The flock, four minutes into its run."""
    flock = FakeFlock(agents, radius=radius)
    run = waves(agents, radius=radius, seconds=240, pause=(130, 146))
    as_present(flock, run)
    for agent in (0, 3):
        near = flock.info[agent]["neighbours"][0]
        await flock.begin(agent, woken_by=[{"agent": near, "iteration": len(flock.logs[near]) - 1}])
    await _files(flock, run)
    _queues(flock)
    for day, hour, size, goal in (
        (22, 18, 8, "Digest every document, then write one index."),
        (21, 9, 4, "Compare the two drafts of the safety page; say where they disagree."),
        (20, 15, 16, "Find every term used before it is explained."),
    ):
        past = waves(
            size, seed=day, seconds=150 + day, ended=datetime(2026, 11, day, hour, 30, tzinfo=UTC), pause=(70, 84)
        )
        past.direction = goal
        flock.past[past.run] = past
    return flock


def earlier(flock: FakeFlock) -> PastRun:
    """The newest of the earlier runs."""
    run: PastRun = flock.past[max(flock.past)]
    return run


async def _files(flock: FakeFlock, run: PastRun) -> None:
    for number, (key, body) in enumerate(sorted(run.files.items())):
        await flock.put_file(key, body, number % len(flock.logs))
    await flock.put_file("output/reports/wake.md", BEFORE, 2)
    await flock.put_file("output/reports/wake.md", AFTER, 3)
    await flock.put_file("output/reports/2026/terms.json", b'{"wake": 41, "gate": 33}', 5)
    for topic in ("architecture", "contracts", "wake"):
        await flock.put_file(f"knowledge-base/{topic}.md", f"# {topic}\n".encode())
    for number, (_, about) in enumerate(flock.files.values()):
        about["modified"] = timestamp(datetime.now(UTC) - timedelta(seconds=30 + 9 * number))
    for key, (_, about) in flock.older.items():
        written = datetime.fromisoformat(flock.files[key][1]["modified"])
        about["modified"] = timestamp(written - timedelta(seconds=40))


def _queues(flock: FakeFlock) -> None:
    flock.info[1]["inbox"].update(visible=3, in_flight=1, dead=2)
    flock.info[4]["counters"]["rescues"] = 1
    flock.deliveries[1] = [
        _delivery("store/agent-0.ndjson", 94, "turn", 3),
        _delivery("store/agent-2.ndjson", 81, "gated"),
        _delivery("store/agent-2.ndjson", 80, "duplicate"),
        _delivery("control.json", 60, "control"),
        _delivery("direction.md", 41, "turn", 4),
        _delivery("store/agent-0.ndjson", 22, "out-of-order"),
        _delivery("store/agent-0.ndjson", 9, "turn", 5),
    ]


def _delivery(key: str, seconds_ago: float, became: str, iteration: int | None = None) -> dict[str, Any]:
    received = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {
        "key": key,
        "version": f"{hash((key, seconds_ago)) & 0xFFFFFFFF:08x}",
        "sent": timestamp(received - timedelta(milliseconds=18 + seconds_ago % 40)),
        "received": timestamp(received),
        "receives": 1,
        "became": became,
        "iteration": iteration,
    }
