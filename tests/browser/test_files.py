"""The environment: files as what they are, kept up to date."""

from __future__ import annotations

import struct
import zlib

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock

pytestmark = pytest.mark.asyncio(loop_scope="session")
HERE = "/#/environment"


@pytest_asyncio.fixture(loop_scope="session")
async def page(opened: Opener) -> Page:
    """The environment, live."""
    page = (await opened(HERE)).page
    await expect(page.locator(".live")).to_have_attribute("data-kind", "live")
    await expect(page.locator(".folder")).to_have_count(2)
    return page


def png(width: int, height: int) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_markdown_is_rendered_and_follows_its_author(flock: FakeFlock, page: Page) -> None:
    await flock.put_file("output/wake.md", b"# Wake\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- **bold**\n", 3)
    await page.get_by_role("button", name="wake.md").click()
    await expect(page.locator(".prose h1")).to_have_text("Wake")
    await expect(page.locator(".prose td")).to_have_count(2)
    await expect(page.locator(".viewer-head")).to_contain_text("by agent 3")
    await flock.put_file("output/wake.md", b"# Wake, revised\n", 4)
    await expect(page.locator(".prose h1")).to_have_text("Wake, revised")
    await expect(page.locator(".viewer-head")).to_contain_text("by agent 4")
    await page.get_by_role("button", name="Source").click()
    await expect(page.locator(".source")).to_have_text("# Wake, revised")


async def test_text_json_pictures_and_binaries_are_told_apart(flock: FakeFlock, page: Page) -> None:
    await flock.put_file("output/a b ü.json", b'{"a":[1,2]}', 1)
    await flock.put_file("output/raw.bin", b"\x00\x01\x02", 1)
    await flock.put_file("output/grey.png", png(40, 30), 1)
    await flock.put_file("output/pictured.md", b"![a grey one](grey.png)", 1)
    await flock.put_file("output/long.txt", b"0123456789abcdef" * 40_000, 1)
    await flock.put_file("knowledge-base/given.txt", b"given", None)
    await page.get_by_role("button", name="a b ü.json").click()
    await expect(page.locator(".source")).to_contain_text('"a": [')
    await page.get_by_role("button", name="raw.bin").click()
    await expect(page.locator(".viewer-body")).to_contain_text("not text")
    await page.get_by_role("button", name="grey.png").click()
    await expect(page.locator(".picture")).to_have_js_property("naturalWidth", 40)
    await page.get_by_role("button", name="pictured.md").click()
    await expect(page.locator(".prose img")).to_have_js_property("naturalWidth", 40)
    await page.get_by_role("button", name="long.txt").click()
    await expect(page.locator(".viewer-body")).to_contain_text("The first 256 kB")
    await page.get_by_role("button", name="given.txt").click()
    await expect(page.locator(".source")).to_have_text("given")
    async with page.expect_download() as download:
        await page.locator(".viewer-head").get_by_role("button", name="Download").click()
    assert (await download.value).suggested_filename == "given.txt"


async def test_a_file_that_went_meanwhile_says_so_with_the_remedy(flock: FakeFlock, opened: Opener) -> None:
    await flock.put_file("output/gone.md", b"here", 1)
    watched = await opened(HERE)
    watched.expected.append("404")
    page = watched.page
    await expect(page.get_by_role("button", name="gone.md")).to_be_visible()
    flock.gone.add("output/gone.md")
    await page.get_by_role("button", name="gone.md").click()
    await expect(page.locator(".viewer-body")).to_contain_text("There is no object")
    await expect(page.locator(".viewer-body .notice-remedy")).to_contain_text("List the folder")


async def test_files_written_while_the_connection_was_down_are_listed_after_it(flock: FakeFlock, page: Page) -> None:
    await expect(page.locator("murmur-environment")).to_contain_text("No agent has written a file yet.")
    await flock.cut()
    await flock.put_file("output/missed.md", b"# Missed", 1)
    await expect(page.get_by_role("button", name="missed.md")).to_be_visible()


async def test_the_list_can_be_filtered(flock: FakeFlock, opened: Opener) -> None:
    for number in range(450):
        await flock.put_file(f"output/part-{number:03}.txt", b"x", 1)
    page = (await opened(HERE)).page
    await expect(page.locator(".file")).to_have_count(400)
    await expect(page.locator("murmur-environment")).to_contain_text("The first 400 of 450")
    await page.get_by_label("Filter files").fill("part-449")
    await expect(page.locator(".file")).to_have_count(1)


async def test_files_can_be_added_to_the_knowledge_base(flock: FakeFlock, page: Page) -> None:
    await page.get_by_label("Add files").set_input_files(
        [
            {"name": "gulls ü.md", "mimeType": "text/markdown", "buffer": b"# Gulls"},
            {"name": "raw.bin", "mimeType": "application/octet-stream", "buffer": b"\x00\x01"},
        ]
    )
    await expect(page.get_by_text("2 files added.")).to_be_visible()
    await page.get_by_role("button", name="gulls ü.md").click()
    await expect(page.locator(".prose h1")).to_have_text("Gulls")
    assert flock.files["knowledge-base/raw.bin"][0] == b"\x00\x01"
