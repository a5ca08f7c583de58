"""The timeline: turns where they belong, chosen by mouse, touch and keys, and why each happened; smooth and bounded however long the run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from murmur.entry import timestamp
from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.fake.waves import as_present, waves

pytestmark = pytest.mark.asyncio(loop_scope="session")
HERE = "/#/timeline"
BEGAN = datetime.now(UTC) - timedelta(seconds=60)


def at(second: float) -> str:
    return timestamp(BEGAN + timedelta(seconds=second))


async def chain_of_three(flock: FakeFlock) -> None:
    """A direction wakes agent 4, whose entry wakes 5, whose entry wakes 6."""
    flock.control.update(started=at(0), since=at(0))
    await flock.write(4, "read the new direction", ts=at(5), turn_ms=2000, cause="direction")
    first = [{"agent": 4, "iteration": 0}]
    await flock.write(5, "took it up", ts=at(9), turn_ms=3500, cause="neighbour", woken_by=first, wake_ms=500)
    second = [{"agent": 7, "iteration": 0}, {"agent": 5, "iteration": 0}]
    await flock.write(
        6, "followed", ts=at(12), turn_ms=2200, cause="neighbour", woken_by=second, wake_ms=800, trace="t-abc"
    )


async def test_a_turn_tells_the_chain_of_wakes_back_to_its_first_cause(flock: FakeFlock, opened: Opener) -> None:
    await chain_of_three(flock)
    page = (await opened(HERE)).page
    await expect(page.locator("murmur-timeline .hint").first).to_have_text("3 turns of 8 agents")
    await expect(page.locator(".why-panel .empty")).to_contain_text("Choose a turn")
    await page.locator(".tl-board").focus()
    for _ in range(6):
        await page.keyboard.press("ArrowDown")
    for _ in range(2):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 6, turn 0")
    await expect(page.locator(".why-sight")).to_contain_text("2 wakes from a new direction, 9.0 s in all")
    rows = page.locator(".why tbody tr")
    await expect(rows).to_have_count(3)
    for index, cells in enumerate(
        [
            ("6 · 0", "agent 5's turn 0", "also 7 · 0", "800 ms", "2.2 s", "followed"),
            ("5 · 0", "agent 4's turn 0", "500 ms", "3.5 s", "took it up"),
            ("4 · 0", "a new direction", "2.0 s", "read the new direction"),
        ]
    ):
        for cell in cells:
            await expect(rows.nth(index)).to_contain_text(cell)
    await expect(page.locator(".why-words")).to_contain_text("t-abc")
    await page.keyboard.press("Enter")
    await expect(page.locator(".why-sight h3")).to_be_focused()
    await rows.nth(1).get_by_role("button", name="5 · 0").click()
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 5, turn 0")


async def test_a_link_leads_to_the_same_turn(flock: FakeFlock, opened: Opener) -> None:
    await chain_of_three(flock)
    page = (await opened(f"{HERE}?agent=5&t={at(8)}")).page
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 5, turn 0")
    await page.locator(".tl-board").focus()
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 4, turn 0")
    await expect(page).to_have_url(re.compile(f"t={re.escape(at(5).replace(':', '%3A'))}&agent=4"))


async def place(page: Page, lane: int, when: str) -> tuple[float, float]:
    """Where on the screen a moment of a lane is."""
    box = await page.locator(".tl-board").bounding_box()
    assert box
    data = await page.locator(".tl-board").evaluate("one => [Number(one.dataset.from), Number(one.dataset.to)]")
    gutter = 72 if box["width"] >= 520 else 44
    time = datetime.fromisoformat(when).timestamp() * 1000
    height = min(34, (560 - 26) // 8)
    x = box["x"] + gutter + (time - data[0]) / (data[1] - data[0]) * (box["width"] - gutter)
    return x, box["y"] + 26 + height * (lane + 0.5)


async def test_a_click_on_a_turn_chooses_it_and_one_on_a_name_the_agent(flock: FakeFlock, opened: Opener) -> None:
    await chain_of_three(flock)
    page = (await opened(HERE)).page
    await expect(page.locator("murmur-timeline .hint").first).to_have_text("3 turns of 8 agents")
    await page.keyboard.press("0")
    x, y = await place(page, 5, at(7))
    await page.mouse.move(x, y)
    await expect(page.locator(".tl-tip")).to_contain_text("agent 5, turn 0")
    await expect(page.locator(".tl-tip")).to_contain_text("took it up")
    await page.mouse.click(x, y)
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 5, turn 0")
    box = await page.locator(".tl-board").bounding_box()
    assert box
    await page.mouse.click(box["x"] + 20, y)
    await expect(page).not_to_have_url(re.compile("agent="))


async def window(page: Page) -> tuple[float, float]:
    first, last = await page.locator(".tl-board").evaluate("one => [Number(one.dataset.from), Number(one.dataset.to)]")
    return first, last


async def test_it_is_moved_and_scaled_by_wheel_drag_buttons_and_keys(flock: FakeFlock, opened: Opener) -> None:
    await chain_of_three(flock)
    page = (await opened(HERE)).page
    await expect(page.locator("murmur-timeline .hint").first).to_have_text("3 turns of 8 agents")
    follow = page.get_by_role("button", name="Follow")
    await expect(follow).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Fit the whole run").click()
    await expect(follow).to_have_attribute("aria-pressed", "false")
    whole = await window(page)
    x, y = await place(page, 5, at(8))
    await page.mouse.move(x, y)
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -120)
    await page.keyboard.up("Control")
    await page.wait_for_function(
        "before => document.querySelector('.tl-board').dataset.from !== before", arg=str(whole[0])
    )
    near = await window(page)
    assert near[1] - near[0] < whole[1] - whole[0]
    kept = (datetime.fromisoformat(at(8)).timestamp() * 1000 - near[0]) / (near[1] - near[0])
    was = (datetime.fromisoformat(at(8)).timestamp() * 1000 - whole[0]) / (whole[1] - whole[0])
    assert abs(kept - was) < 0.02, "what is under the pointer stays there"
    await page.mouse.down()
    await page.mouse.move(x + 150, y, steps=5)
    await page.mouse.up()
    dragged = await window(page)
    assert dragged[0] < near[0]
    assert abs((dragged[1] - dragged[0]) - (near[1] - near[0])) < 1
    await page.locator(".tl-board").focus()
    await page.keyboard.press("Shift+ArrowRight")
    assert (await window(page))[0] > dragged[0]
    await page.keyboard.press("-")
    wider = await window(page)
    assert wider[1] - wider[0] > dragged[1] - dragged[0]
    await expect(page.locator(".why-panel .empty")).to_be_visible()  # a drag chooses nothing
    await follow.click()
    await expect(follow).to_have_attribute("aria-pressed", "true")


async def test_two_fingers_scale_it(flock: FakeFlock, opened: Opener) -> None:
    await chain_of_three(flock)
    page = (await opened(HERE, has_touch=True, viewport={"width": 390, "height": 844})).page
    await expect(page.locator("murmur-timeline .hint").first).to_have_text("3 turns of 8 agents")
    await page.keyboard.press("0")
    before = await window(page)
    await page.evaluate(
        """() => {
          const board = document.querySelector(".tl-board");
          const box = board.getBoundingClientRect();
          board.setPointerCapture = () => undefined; // these fingers are not of this screen
          const send = (type, id, x) => board.dispatchEvent(new PointerEvent(type,
            { pointerId: id, pointerType: "touch", clientX: box.left + x, clientY: box.top + 60, bubbles: true, isPrimary: id === 1 }));
          send("pointerdown", 1, 150); send("pointerdown", 2, 200);
          send("pointermove", 1, 100); send("pointermove", 2, 300);
          send("pointerup", 1, 100); send("pointerup", 2, 300);
        }"""
    )
    after = await window(page)
    assert after[1] - after[0] < (before[1] - before[0]) / 2
    await expect(page.locator(".why-panel .empty")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_turns_appear_while_they_go_on_and_their_chain_with_them(flock: FakeFlock, opened: Opener) -> None:
    page = (await opened(HERE)).page
    await expect(page.locator("murmur-timeline .empty").first).to_contain_text("murmur start")
    await flock.write(1, "wrote", cause="start")
    await expect(page.locator("murmur-timeline .hint").first).to_have_text("1 turn of 8 agents")
    await flock.begin(2, woken_by=[{"agent": 1, "iteration": 0}])
    await page.wait_for_function("() => document.querySelector('murmur-frame').app.flock.agents.get(2).info.turn")
    await page.locator(".tl-board").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 2, turn 0, going on")
    await expect(page.locator(".why tbody tr")).to_have_count(2)
    await flock.write(2, "answered", cause="neighbour", woken_by=[{"agent": 1, "iteration": 0}], wake_ms=40)
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 2, turn 0")
    await expect(page.locator(".why tbody tr").first).to_contain_text("answered")
    await flock.act("stop")
    await flock.act("start")
    await expect(page.locator("murmur-timeline .empty").first).to_contain_text("murmur start")


async def test_a_long_chain_is_shown_piece_by_piece(flock: FakeFlock, opened: Opener) -> None:
    for number in range(80):
        agent, near = number % 2, (number + 1) % 2
        woken = [{"agent": near, "iteration": (number - 1) // 2}] if number else []
        await flock.write(
            agent,
            f"turn {number}",
            ts=at(number / 2),
            turn_ms=300,
            cause="neighbour" if number else "start",
            woken_by=woken,
        )
    page = (await opened(f"{HERE}?agent=1&t={at(39.5)}")).page
    await expect(page.locator(".why tbody tr")).to_have_count(25)
    await expect(page.locator(".why-sight")).to_contain_text("24 wakes so far")
    more = page.get_by_role("button", name="Show what came before")
    await more.click()
    await expect(page.locator(".why tbody tr")).to_have_count(75)
    await more.click()
    await expect(page.locator(".why tbody tr")).to_have_count(80)
    await expect(page.locator(".why-sight")).to_contain_text("79 wakes from the start of the run")
    await expect(more).to_be_hidden()


async def test_words_of_agents_stay_text(flock: FakeFlock, opened: Opener) -> None:
    evil = '<img src=x onerror="window.harmed = 1">'
    await flock.write(
        3, evil, evil, cause=evil, trace=evil, files=[f"output/{evil}"], woken_by=[{"agent": 99, "iteration": 4}]
    )
    page = (await opened(f"{HERE}?agent=3&t={timestamp(datetime.now(UTC))}")).page
    await expect(page.locator(".why-words")).to_contain_text(evil)
    await expect(page.locator(".why tbody")).to_contain_text(evil)
    assert await page.locator("main img").count() == 0
    assert not await page.evaluate("Boolean(window.harmed)")


COUNT_WORK = """() => {
  window.work = { rects: 0, last: 0, draws: 0 };
  const { fillRect, clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillRect = function (...args) { window.work.rects += 1; fillRect.apply(this, args); };
  CanvasRenderingContext2D.prototype.clearRect = function (...args) {
    window.work.last = window.work.rects;
    window.work.rects = 0;
    window.work.draws += 1;
    clearRect.apply(this, args);
  };
}"""


async def test_64_agents_with_thousands_of_turns_cost_no_more_than_there_are_pixels(
    browser: Any, opened: Opener, flock: FakeFlock
) -> None:
    run = waves(64, radius=2, seconds=600, calm=0.2)
    flock.config = run.config
    flock._people()
    as_present(flock, run)
    turns = sum(len(log) for log in run.logs.values())
    page = (await opened(HERE)).page
    await expect(page.locator("murmur-timeline .hint").first).to_contain_text("of 64 agents", timeout=60_000)
    await expect(page.locator("murmur-timeline .hint").first).not_to_contain_text("reading", timeout=60_000)
    held = await page.evaluate(
        """async () => {
          const { Lane, keptTurns } = await import("/app/timeline.js");
          const most = keptTurns(64);
          const lane = new Lane(most);
          for (let iteration = 0; iteration < 30_000; iteration++) lane.add([{ iteration, ts: new Date(1e12 + iteration * 1000).toISOString(), turn_ms: 900 }]);
          return [most, lane.marks.length, lane.cut, lane.marks.at(-1).iteration, 64 * most];
        }"""
    )
    assert held[1] <= held[0]
    assert held[2:4] == [True, 29_999]
    assert held[4] <= 200_000
    await page.evaluate(COUNT_WORK)
    await page.get_by_role("button", name="Fit the whole run").click()
    for _ in range(16):
        await page.get_by_role("button", name="Zoom out").click()
    await page.wait_for_function("() => window.work.draws > 18")
    work = await page.evaluate("window.work.last")
    assert turns > 3000
    assert work < 64 * 10, "turns closer than pixels are painted as one"


async def test_the_pure_parts(opened: Opener) -> None:
    page = (await opened(HERE)).page
    found = await page.evaluate(
        """async () => {
          const { Lane, TimeScale, markOf, tickStep } = await import("/app/timeline.js");
          const { chainOf, chainMs } = await import("/app/causes.js");
          const entry = (iteration, end, took, more = {}) => ({ iteration, ts: new Date(end).toISOString(), turn_ms: took, ...more });
          const lane = new Lane();
          lane.add([entry(2, 3000, 500), entry(0, 1000, 500)]);
          lane.add([entry(1, 2000, 500), entry(1, 9000, 1), { iteration: 7, ts: "never" }]);
          lane.hear({ turn: { iteration: 3, since: new Date(3500).toISOString(), cause: "start" }, status: "turn" }, 3600);
          const going = lane.running?.iteration;
          lane.hear({ turn: { iteration: 2, since: new Date(3500).toISOString(), cause: "start" }, status: "backing-off" }, 3700);
          lane.hear({ turn: null, status: "waiting" }, 3900);
          const circle = new Map([[0, markOf(entry(0, 1000, 1, { woken_by: [{ agent: 1, iteration: 0 }] }))], [1, markOf(entry(0, 1000, 1, { woken_by: [{ agent: 0, iteration: 0 }] }))]]);
          const round = chainOf({ agent: 0, iteration: 0 }, (agent) => circle.get(agent) ?? null, 200);
          const open = chainOf({ agent: 0, iteration: 0 }, (agent) => (agent ? null : circle.get(0)), 200);
          return {
            order: lane.marks.map(({ iteration }) => iteration), during: lane.at(1700)?.iteration, between: lane.at(2100)?.iteration, before: lane.at(10),
            ended: [lane.endedBy(999), lane.endedBy(1000), lane.endedBy(5000)], going, running: lane.running, spans: lane.spans,
            links: round.links.length, round: round.open, open: open.open, whole: chainMs(round), none: chainMs({ links: [] }),
            zoomed: (({ from, to }) => [from, to])(new TimeScale(0, 1000).zoomed(0.5, 500)), tiny: new TimeScale(0, 60).zoomed(1e-9, 0).length, steps: [tickStep(1), tickStep(4000), tickStep(1e9)],
          };
        }"""
    )
    assert found["order"] == [0, 1, 2]
    assert (found["during"], found["between"], found["before"]) == (1, 1, None)
    assert found["ended"] == [0, 1, 3]
    assert (found["going"], found["running"]) == (3, None)
    assert found["spans"] == [{"kind": "backing-off", "from": 3700, "to": 3900}]
    assert (found["links"], found["round"]) == (2, None), "a log that was tampered with does not hang the page"
    assert found["open"] == {"agent": 1, "iteration": 0}
    assert found["none"] is None
    assert found["zoomed"] == [250, 750]
    assert found["tiny"] == 50
    assert found["steps"] == [100, 5000, 1_036_800_000]
