"""What agents write is hostile. It is shown as text and does nothing, with the page's policy and without it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.fake.flock import FakeFlock
from tests.browser.load import log_read

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = (
    "<script>window.harmed = 1</script>",
    '<img src=x onerror="window.harmed = 1">',
    "</script><script>window.harmed = 1</script>",
    "<svg onload=window.harmed=1>",
    "\u202egnp.exe \u200b\u2066 ltr",
    '"><b onmouseover=window.harmed=1>',
    "w" * 100_000,
)
MARKDOWN = """# Fine

[click](javascript:window.harmed=1) <a href="javascript:window.harmed=1">x</a>

<script>window.harmed = 1</script><img src=x onerror="window.harmed = 1"><svg><script>window.harmed = 1</script></svg>
<iframe srcdoc="<script>parent.harmed = 1</script>"></iframe><form action="/cluster/stop"><button>go</button></form>
<p style="position:fixed;inset:0" onclick="window.harmed = 1">over everything</p><style>body { display: none }</style>
![elsewhere](https://example.com/track.png)
<math><mtext><table><mglyph><style><img src=x onerror="window.harmed = 1"></style></mglyph></table></mtext></math>
<a href="https://example.com/">out</a>
"""


async def harmed(page: Page) -> bool:
    return bool(await page.evaluate("Boolean(window.harmed)"))


@pytest.mark.parametrize("policy", [True, False], ids=["with the policy", "without the policy"])
async def test_words_of_agents_are_text_wherever_they_show(flock: FakeFlock, opened: Opener, policy: bool) -> None:
    flock.policy = policy
    for words in WORDS:
        more = {"next_intent": words, "cause": words[:40], "refused": [words], "doubts": [words]}
        await flock.write(2, words, words, files=[f"output/{words[:80]}"], **more)
    await flock.put_file(f"output/{WORDS[1]}.txt", WORDS[0].encode(), 2)
    flock.direction["text"] = "</textarea>" + WORDS[1]
    flock.control["reason"] = WORDS[1]
    flock.info[2].update(detail=WORDS[1], instance={"id": "1", "name": WORDS[0], "state": "running"})
    page = (await opened()).page
    await expect(page.locator(".live")).to_have_text("live")
    assert await log_read(page, 2) == list(range(len(WORDS)))
    await expect(page.locator(".log-remark").filter(has_text="refused").last).to_be_visible()
    await flock.write(2, WORDS[0], WORDS[1])
    await expect(page.locator("murmur-card[data-key='2'] .said-lines .said").first).to_have_text(WORDS[0])
    await expect(page.get_by_label("Direction", exact=True)).to_have_value("</textarea>" + WORDS[1])
    longest = await page.locator(".said").evaluate_all("all => Math.max(...all.map(one => one.textContent.length))")
    assert longest < 1000
    assert await page.locator("main script, main iframe, main svg svg, .said *").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto(page.url.split("#")[0] + "#/environment")
    await page.locator(".file").first.click()
    await expect(page.locator(".source")).to_have_text(WORDS[0])
    assert await page.locator("main script, main iframe, main svg svg, .said *").count() == 0
    assert not await harmed(page)


@pytest.mark.parametrize("policy", [True, False], ids=["with the policy", "without the policy"])
async def test_hostile_markdown_is_harmless_even_if_the_server_did_not_clean_it(
    flock: FakeFlock, opened: Opener, policy: bool
) -> None:
    flock.policy, flock.clean = policy, False
    await flock.put_file("output/evil.md", MARKDOWN.encode(), 1)
    watched = await opened("/#/environment")
    watched.expected.append("key=output%2Fx")  # its picture is no file of output/
    watched.expected += ["Content Security Policy", "script-src", "style-src"]  # reported while it is taken apart
    page = watched.page
    await page.get_by_role("button", name="evil.md").click()
    prose = page.locator(".prose")
    await expect(prose.locator("h1")).to_have_text("Fine")
    await expect(prose).to_contain_text("over everything")
    assert (
        await prose.locator("script, style, svg, math, iframe, form, button, [style], [onclick], [onerror]").count()
        == 0
    )
    links = await prose.locator("a").evaluate_all("all => all.map(one => [one.getAttribute('href'), one.rel])")
    assert links == [["https://example.com/", "noopener noreferrer nofollow"]]
    assert await prose.locator("img").evaluate_all(  # "": not fetched yet
        "all => all.every(({ src }) => !src || src.startsWith(location.origin) || src.startsWith(`blob:${location.origin}/`))"
    )
    assert not await harmed(page)


async def test_the_policy_alone_stops_a_script_that_got_into_the_page(opened: Opener) -> None:
    watched = await opened()
    watched.expected += ["Content Security Policy", "script-src-elem", "script-src-attr", "inline", "img-src"]
    page = watched.page
    await page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.harmed = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<img src=x: onerror='window.harmed = 1'>");
        }"""
    )
    await expect(page.locator("body > img")).to_have_js_property("complete", True)
    for kind in ("script-src-elem", "script-src-attr"):
        await page.wait_for_function("kind => violations.some((one) => one.split(' ')[0] === kind)", arg=kind)
    assert not await harmed(page)
