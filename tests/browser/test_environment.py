"""The environment: a live tree, who wrote what in which turn, what a turn changed, upload by drop, all of it safe from names and contents."""

from __future__ import annotations

import difflib
import random
import re
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from murmur.local.stack import Stack
from tests.browser.conftest import WATCH_POLICY, Opener, Watched
from tests.browser.fake.flock import FakeFlock
from tests.browser.test_files import png

pytestmark = pytest.mark.asyncio(loop_scope="session")
HERE = "/#/environment"
NAMES = (
    "<script>window.harmed = 1<script>.md",
    '"><img src=x onerror=window.harmed=1>.txt',
    "a\u202egnp.md",
    "con%2e%2e&key=x#.json",
    "deep/" * 12 + "w" * 150 + ".txt",
    "javascript:window.harmed=1.svg",
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.harmed=1"><script>window.harmed = 1</script><rect width="9" height="9"/></svg>'


@pytest_asyncio.fixture(loop_scope="session")
async def page(opened: Opener) -> Page:
    """The environment, live."""
    page = (await opened(HERE)).page
    await expect(page.locator(".live")).to_have_attribute("data-kind", "live")
    await expect(page.locator(".folder")).to_have_count(2)
    return page


async def test_files_stand_in_their_folders_and_appear_while_agents_write(flock: FakeFlock, page: Page) -> None:
    await flock.put_file("output/reports/2026/wake.md", b"# Wake", 2)
    await flock.put_file("output/reports/gate.md", b"# Gate", 3)
    await flock.put_file("output/index.md", b"# Index", 4)
    output = page.locator(".folder").first
    await expect(output.locator("summary")).to_have_text([re.compile("reports/2 files"), re.compile("2026/1 file")])
    await expect(output.get_by_role("button", name="wake.md")).to_contain_text("agent 2, turn 0")
    await output.locator("summary").first.click()
    await expect(output.get_by_role("button", name="wake.md")).to_be_hidden()
    await flock.put_file("output/reports/ring.md", b"# Ring", 3)
    await expect(output.locator("summary").first).to_contain_text("3 files")
    await expect(output.get_by_role("button", name="ring.md")).to_be_hidden()  # a closed folder stays closed
    await expect(output.get_by_role("button", name="index.md")).to_be_visible()


async def test_what_a_turn_changed_is_shown_line_by_line(flock: FakeFlock, page: Page) -> None:
    before = "\n".join(f"line {number}" for number in range(40)) + "\n"
    await flock.put_file("output/long.txt", before.encode(), 1)
    await page.get_by_role("button", name="long.txt").click()
    await page.get_by_role("button", name="Changes").click()
    await expect(page.locator(".viewer-body")).to_contain_text("no earlier version")
    after = before.replace("line 20\n", "line twenty <b>\n").replace("line 39\n", "line 39\nline 40\n")
    await flock.put_file("output/long.txt", after.encode(), 2)
    await expect(page.locator(".diff caption")).to_have_text("2 lines added, 1 line removed")
    await expect(page.locator(".diff-about")).to_contain_text("before: agent 1, turn 0")
    await expect(page.locator(".diff-about")).to_contain_text("now: agent 2, turn 0")
    await expect(page.locator("tr.diff-gone .diff-text")).to_have_text("line 20")
    await expect(page.locator("tr.diff-added .diff-text")).to_have_text(["line twenty <b>", "line 40"])
    await expect(page.locator("tr.diff-added .diff-number").nth(1)).to_have_text("21")
    await expect(page.locator(".diff-fold")).to_have_text(["17 lines as before", "13 lines as before"])
    await page.get_by_role("button", name="Changes").click()
    await expect(page.locator(".source")).to_contain_text("line twenty")


async def test_who_wrote_a_file_is_known_also_where_the_listing_does_not_say(flock: FakeFlock, page: Page) -> None:
    await flock.put_file("output/old.md", b"# Old", 5)
    known = flock.files["output/old.md"][1]
    await page.route(
        "**/cluster/habitat",
        lambda route: route.fulfill(
            json={"files": [{**known, "agent": None, "iteration": None}], "more": False, "after": ""}
        ),
    )
    await page.reload()
    await expect(page.locator(".file-about")).not_to_contain_text("agent")
    await page.get_by_role("button", name="old.md").click()
    await expect(page.locator(".viewer-head")).to_contain_text("by agent 5, turn 0")


async def test_pictures_and_binaries_are_compared_as_what_they_are(flock: FakeFlock, page: Page) -> None:
    for size in (20, 30):
        await flock.put_file("output/grey.png", png(size, 10), 1)
        await flock.put_file("output/raw.bin", b"\x00" * size, 1)
    await page.get_by_role("button", name="grey.png").click()
    await page.get_by_role("button", name="Changes").click()
    await expect(page.locator(".diff-pictures img").nth(0)).to_have_js_property("naturalWidth", 20)
    await expect(page.locator(".diff-pictures img").nth(1)).to_have_js_property("naturalWidth", 30)
    await page.get_by_role("button", name="raw.bin").click()
    await page.get_by_role("button", name="Changes").click()
    await expect(page.locator(".viewer-body")).to_contain_text("it was 20 B and is 30 B")


async def test_the_author_leads_to_the_turn_in_the_timeline(flock: FakeFlock, page: Page) -> None:
    await flock.write(3, "wrote it", files=["output/a.md"], cause="start", turn_ms=60_000)
    await flock.put_file("output/a.md", b"# A", 3)
    await page.get_by_role("button", name="a.md").click()
    await page.get_by_role("link", name="by agent 3, turn 1").click()
    await expect(page.locator(".why-sight h3")).to_have_text("Agent 3, turn 0")


async def test_files_dropped_on_the_view_are_uploaded_and_a_refused_one_does_not_stop_the_others(
    flock: FakeFlock, opened: Opener
) -> None:
    watched = await opened(HERE)
    watched.expected.append("413")
    page = watched.page
    await expect(page.locator(".folder")).to_have_count(2)
    await page.route(
        "**/cluster/knowledge?key=big.bin",
        lambda route: route.fulfill(
            status=413,
            json={
                "error": "x",
                "code": "too_large",
                "message": "The file has 9 bytes; 8 are allowed.",
                "remedy": "Split it.",
            },
        ),
    )
    await page.evaluate(
        """() => {
          const data = new DataTransfer();
          for (const [name, text] of [["one.md", "# One"], ["big.bin", "123456789"], ["zwei ü.txt", "zwei"]]) data.items.add(new File([text], name));
          const view = document.querySelector("murmur-environment");
          view.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
          window.marked = view.classList.contains("is-target");
          view.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    await expect(page.get_by_text("2 files added.")).to_be_visible()
    await expect(page.locator("murmur-upload .notice-bad")).to_contain_text("big.bin")
    await expect(page.locator("murmur-upload .notice-bad")).to_contain_text("8 are allowed")
    assert await page.evaluate("window.marked")
    assert flock.files["knowledge-base/zwei ü.txt"][0] == b"zwei"
    assert "knowledge-base/big.bin" not in flock.files


async def test_all_files_and_one_are_downloaded(flock: FakeFlock, page: Page) -> None:
    await flock.put_file("output/a ü.md", b"# A", 1)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download all").click()
    assert (await download.value).suggested_filename == "output.zip"
    await page.get_by_role("button", name="a ü.md").click()
    async with page.expect_download() as download:
        await page.locator(".viewer-head").get_by_role("button", name="Download").click()
    saved = await download.value
    assert saved.suggested_filename == "a ü.md"
    assert Path(await saved.path()).read_bytes() == b"# A"


@pytest.mark.parametrize("policy", [True, False], ids=["with the policy", "without the policy"])
async def test_hostile_names_and_pictures_do_nothing(flock: FakeFlock, opened: Opener, policy: bool) -> None:
    flock.policy = policy
    for name in NAMES:
        await flock.put_file(f"output/{name}", b"first", 1)
        await flock.put_file(f"output/{name}", SVG if name.endswith("svg") else b"second", 1)
    page = (await opened(HERE)).page
    await expect(page.locator(".file")).to_have_count(len(NAMES))
    for index in range(len(NAMES)):
        await page.locator(".file").nth(index).click()
        await expect(page.locator(".diff-about")).to_have_count(0)
        await expect(page.locator(".viewer-head h3")).not_to_be_empty()
        await page.get_by_role("button", name="Changes").click()
        await expect(page.locator(".diff-about")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.locator("main script, main svg script, .said *").count() == 0
    assert not await page.evaluate("Boolean(window.harmed)")


async def test_the_comparison_is_right_and_bounded(opened: Opener) -> None:
    page = (await opened(HERE)).page
    chance = random.Random(5)
    pairs = [("", ""), ("a", ""), ("", "a\n"), ("a\r\nb\n", "a\nb")]
    for _ in range(60):
        before = [chance.choice("abcde") for _ in range(chance.randrange(30))]
        after = [line for line in before if chance.random() > 0.3]
        for _ in range(chance.randrange(8)):
            after.insert(chance.randrange(len(after) + 1), chance.choice("abcdxyz"))
        pairs.append(("\n".join(before), "\n".join(after)))
    found = await page.evaluate(
        "async (pairs) => { const { diff } = await import('/app/diff.js'); return pairs.map(([a, b]) => diff(a, b)); }",
        pairs,
    )
    for (before, after), told in zip(pairs, found, strict=True):
        old, new = before.splitlines(), after.splitlines()
        assert [row["text"] for row in told["rows"] if row["kind"] != "added"] == old
        assert [row["text"] for row in told["rows"] if row["kind"] != "gone"] == new
        matched = sum(
            block.size for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        )
        assert len(old) + len(new) - told["added"] - told["gone"] >= 2 * matched, "no shorter way is missed"
    coarse = await page.evaluate(
        """async () => {
          const { diff } = await import("/app/diff.js");
          const lines = (prefix) => Array.from({ length: 6000 }, (_, index) => prefix + index).join("\\n");
          const { coarse, added, gone, rows } = diff("same\\n" + lines("a"), "same\\n" + lines("b"));
          return { coarse, added, gone, first: rows[0].kind };
        }"""
    )
    assert coarse == {"coarse": True, "added": 6000, "gone": 6000, "first": "same"}


@pytest.mark.slow
async def test_on_a_real_flock_opening_a_file_by_its_address_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack, httpx.AsyncClient(base_url=stack.url) as client:
        evil = b"<script>document.title = 'harmed'; fetch('/cluster/stop', { method: 'POST' })</script>"
        for name, body in (
            ("evil.html", evil),
            ("evil.svg", SVG.replace(b"window.harmed=1", b"document.title='harmed'")),
            ("evil.md", evil),
        ):
            await client.put("/cluster/knowledge", params={"key": name}, content=body)
        await client.put("/cluster/knowledge", params={"key": "twice.md"}, content=b"# One\n")
        await client.put("/cluster/knowledge", params={"key": "twice.md"}, content=b"# One\n\nTwo.\n")
        context = await browser.new_context()
        page = await context.new_page()
        for name in ("evil.html", "evil.svg"):
            answer = await page.goto(f"{stack.url}/cluster/knowledge/file?key={name}")
            assert answer
            assert "sandbox" in (answer.headers)["content-security-policy"]
            assert await page.title() != "harmed"
        await page.add_init_script(WATCH_POLICY)
        watched = Watched(page)
        await page.goto(f"{stack.url}/#/environment?file=knowledge-base%2Fevil.md")
        await expect(page.locator(".prose")).to_contain_text("<script>")
        await page.get_by_role("button", name="evil.svg").click()
        await expect(page.locator(".picture")).to_be_visible()
        await page.get_by_role("button", name="twice.md").click()
        await page.get_by_role("button", name="Changes").click()
        await expect(page.locator("tr.diff-added .diff-text")).to_have_text(["", "Two."])
        await expect(page.locator(".diff-about")).to_contain_text("by the operator")
        assert await page.title() != "harmed"
        await watched.check()
        await context.close()
