"""The page in each language, theme and width, by keyboard and for screen readers."""

import pytest

from tests.browser.booth import accessibility_faults

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]
LONG_MS = 60_000


@pytest.mark.parametrize(
    ("browser_locale", "page_locale", "heading", "greeting"),
    [
        ("zh-TW", "zh-Hant", "我在這裡，聽你說。", "我是小聽"),
        ("zh-CN", "zh-Hans", "我在这里，听你说。", "我是小听"),
        ("en-GB", "en", "Someone to listen.", "I'm Ting"),
        ("de-DE", "en", "Someone to listen.", "I'm Ting"),
    ],
)
async def test_each_language(booth, artifacts, browser_locale, page_locale, heading, greeting):
    """The browser's language chooses words, page language and persona."""
    page = await booth.page(locale=browser_locale)
    assert await page.get_attribute("html", "lang") == page_locale
    assert await page.inner_text("h1:visible") == heading
    assert await accessibility_faults(page) == []
    await page.screenshot(path=artifacts / f"welcome-{browser_locale}.png")
    await page.click("#start")
    await page.get_by_text(greeting).wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / f"call-{browser_locale}.png")
    assert page.faults == []


async def test_the_language_can_be_switched_and_is_remembered(booth):
    """During a call too, without touching it."""
    page = await booth.page()
    await page.select_option("#locale", "en")
    assert await page.inner_text("h1:visible") == "Someone to listen."
    await page.reload()
    assert await page.get_attribute("html", "lang") == "en"
    await page.click("#start")
    await page.locator(".line").first.wait_for(timeout=LONG_MS)
    await page.select_option("#locale", "zh-Hans")
    assert await page.inner_text("#hang-up") == "挂断"
    assert len(booth.ongoing()) == 1


@pytest.mark.parametrize("width", [360, 320])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_small_screen(booth, artifacts, width, theme):
    """Nothing is wider than the screen, and the controls are on it."""
    page = await booth.page(
        viewport={"width": width, "height": 640}, color_scheme=theme, locale="en-GB"
    )
    await assert_fits(page, width)
    await page.screenshot(path=artifacts / f"welcome-{width}-{theme}.png", full_page=True)
    assert await accessibility_faults(page) == []
    await page.click("#start")
    await page.locator(".line").first.wait_for(timeout=LONG_MS)
    await page.click("#type")
    await assert_fits(page, width)
    await page.screenshot(path=artifacts / f"call-{width}-{theme}.png")
    assert await accessibility_faults(page) == []
    for control in ("#mute", "#type", "#silence", "#hang-up"):
        box = await page.locator(control).bounding_box()
        assert box["y"] + box["height"] <= 640
        assert min(box["width"], box["height"]) >= 44
    await page.click("#open-settings")
    await page.select_option("#caption-size", "3")
    await page.screenshot(path=artifacts / f"settings-{width}-{theme}.png")
    assert await accessibility_faults(page) == []
    await page.keyboard.press("Escape")
    await assert_fits(page, width)
    await page.screenshot(path=artifacts / f"large-{width}-{theme}.png")


async def assert_fits(page, width):
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_keyboard_alone_is_enough(booth):
    """Skip link, start, mute and hang up without a mouse; the focus never gets lost."""
    page = await booth.page(locale="en-GB")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "start"
    await page.keyboard.press("Enter")
    await page.locator(".line").first.wait_for(timeout=LONG_MS)
    for wanted in ("captions-scroll", "mute"):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.id") == wanted
    await page.keyboard.press("Space")
    assert await page.inner_text("#announcer") == "Microphone off."
    for _ in range(3):
        await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "hang-up"
    await page.keyboard.press("Enter")
    await page.locator("#after-heading").wait_for()
    assert await page.evaluate("document.activeElement.id") == "after-heading"


async def test_somebody_who_wants_no_motion_gets_none(booth):
    """prefers-reduced-motion stills the orb."""
    page = await booth.page(reduced_motion="reduce")
    running = "document.getAnimations().filter(one => one.playState === 'running').length"
    await page.wait_for_timeout(200)
    assert await page.evaluate(running) == 0
