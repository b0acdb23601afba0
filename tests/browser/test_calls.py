"""Whole calls in a real browser, with real models behind them."""

import asyncio
import io

import numpy as np
import pytest
import soundfile
from opencc import OpenCC

from tests.browser.booth import accessibility_faults, error_rate
from web.realtime.endings import LOST, Ending

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

GREETING_SECS = 8.0  # from the microphone's opening to the end of the greeting, with room
TROUBLE = "我最近工作压力很大，晚上总是睡不好。"
LONG_MS = 60_000  # for a machine that does other things as well


async def start(page) -> None:
    await page.click("#start")
    await page.locator(".line[data-who=bot]").first.wait_for(timeout=LONG_MS)


def bot_lines(page):
    return page.locator(".line[data-who=bot]")


def caller_lines(page):
    return page.locator(".line[data-who=caller][data-done=true]")


async def texts(lines) -> list[str]:
    return [await line.locator(".text").inner_text() for line in await lines.all()]


def simplified(text: str) -> str:
    return OpenCC("t2s").convert(text)


async def test_a_whole_call(booth, artifacts):
    """Greeting, a spoken turn, its captions and figures, and what can be kept of it."""
    page = await booth.page(GREETING_SECS, TROUBLE)
    await page.click("#open-settings")
    await page.check("#keep-recording")
    await page.keyboard.press("Escape")
    await page.screenshot(path=artifacts / "welcome.png")
    assert await accessibility_faults(page) == []

    await start(page)
    await page.screenshot(path=artifacts / "greeting.png")
    await page.locator(".line[data-who=caller]").wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / "partial.png")
    await caller_lines(page).first.wait_for(timeout=LONG_MS)
    await bot_lines(page).nth(1).wait_for(timeout=LONG_MS)
    await page.locator(".latency").first.wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / "answer.png")
    await page.locator(".line[data-done=true]:has(.latency)").first.wait_for(timeout=LONG_MS)

    heard, *_ = await texts(caller_lines(page))
    assert error_rate(TROUBLE, simplified(heard)) < 0.35
    assert heard != simplified(heard)  # a Traditional page is answered in Traditional

    await page.locator(".latency summary").first.click()
    await page.locator(".waterfall tr").nth(3).wait_for()
    await page.screenshot(path=artifacts / "waterfall.png")
    assert await accessibility_faults(page) == []

    said = await texts(bot_lines(page))
    await page.click("#hang-up")
    await page.locator("#after-heading").wait_for()
    await page.screenshot(path=artifacts / "after.png")
    assert await accessibility_faults(page) == []

    async with page.expect_download() as saving:
        await page.click("#save-transcript")
    transcript = (await (await saving.value).path()).read_text(encoding="utf-8")
    assert heard in transcript
    assert said[0] in transcript

    async with page.expect_download() as saving:
        await page.click("#save-recording")
    recording, rate_hz = soundfile.read(
        io.BytesIO((await (await saving.value).path()).read_bytes()), dtype="float32"
    )
    soundfile.write(artifacts / "call.wav", recording, rate_hz)
    caller, bot = recording.T
    assert np.abs(caller).max() > 0.05
    greeting = await booth.transcribe(trimmed(bot[: 10 * rate_hz]), rate_hz)
    assert error_rate(simplified(said[0]), simplified(greeting)) < 0.35
    assert page.faults == []
    assert {url.split("/")[2] for url in page.asked if url.startswith("http")} == {
        booth.url.split("/")[2]
    }
    await asyncio.wait_for(gone(booth), 10)


def trimmed(audio: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    return audio[loud[0] : loud[-1]]


async def gone(booth) -> None:
    while booth.ongoing():  # noqa: ASYNC110 (seen from outside)
        await asyncio.sleep(0.05)


async def test_speech_over_the_bot_cuts_it(booth, artifacts):
    """The part that was not heard is struck through, and the call goes on with the caller."""
    page = await booth.page(2.6, "等一下，我想先问你一个问题，你是真的人吗？")
    await start(page)
    await page.locator(".unheard").wait_for(timeout=LONG_MS)
    await caller_lines(page).first.wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / "cut.png")
    greeting = await bot_lines(page).first.locator(".text").inner_text()
    unheard = await page.locator(".unheard").inner_text()
    assert 0 < greeting.index(unheard) < len(greeting)
    assert await accessibility_faults(page) == []


async def test_a_muted_microphone_hears_nothing(booth, artifacts):
    """What is said meanwhile never becomes words; after it, it does."""
    page = await booth.page(25.0, "这句话不应该被听到。", 20.0, TROUBLE)
    await start(page)
    await page.locator("#mute").focus()
    await page.keyboard.press("Enter")
    assert await page.get_attribute("#mute", "aria-pressed") == "true"
    await page.locator("#orb[data-state=muted]").wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / "muted.png")
    await page.wait_for_timeout(32_000)
    assert await texts(page.locator(".line[data-who=caller]")) == []
    await page.keyboard.press("Enter")
    await caller_lines(page).first.wait_for(timeout=LONG_MS)
    assert error_rate(TROUBLE, simplified((await texts(caller_lines(page)))[0])) < 0.35


async def test_a_reload_in_mid_call_loses_nothing(booth, artifacts):
    """Captions are back, it is the same call, and it goes on."""
    page = await booth.page()
    await start(page)
    await page.click("#type")
    await page.fill("#message", "我最近睡不好")
    await page.keyboard.press("Enter")
    await bot_lines(page).nth(1).wait_for(timeout=LONG_MS)
    await page.wait_for_timeout(300)
    (before,) = [one.port.call_id for one in booth.ongoing()]
    await page.reload()
    await page.locator("#again").wait_for()
    await page.screenshot(path=artifacts / "again.png")
    assert await accessibility_faults(page) == []
    await page.click("#go-on")
    await caller_lines(page).first.wait_for(timeout=LONG_MS)
    await page.locator(".line[data-who=bot][data-done=true]").nth(1).wait_for(timeout=LONG_MS)
    lines = await texts(page.locator(".line"))
    assert lines[1] == "我最近睡不好"
    assert [one.port.call_id for one in booth.ongoing()] == [before]
    await page.click("#type")
    await page.fill("#message", "谢谢")
    await page.keyboard.press("Enter")
    await bot_lines(page).nth(2).wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / "resumed.png")


async def test_a_lost_socket_is_replaced_while_the_page_stays(booth, artifacts):
    """The page says so, comes back by itself, and the reply that was cut off goes on."""
    page = await booth.page()
    await start(page)
    await page.wait_for_timeout(1500)
    (ongoing,) = booth.ongoing()
    # The socket goes, as when a network does; the page hears only that.
    ongoing._outbox.close(Ending(LOST.reason, 4002))
    done = page.locator(".line[data-who=bot][data-done=true]")
    await done.first.wait_for(timeout=LONG_MS)
    assert await page.locator(".unheard").count() == 0
    assert booth.ongoing() == [ongoing]
    await page.screenshot(path=artifacts / "reconnected.png")


async def test_a_refused_microphone_is_explained_and_one_can_type(booth, artifacts):
    """The sentence says what to do; the call works without a microphone."""
    page = await booth.page(microphone=False)
    await page.click("#start")
    await page.locator("#alert").wait_for()
    assert "麥克風" in await page.inner_text("#alert")
    await page.screenshot(path=artifacts / "refused.png")
    assert await accessibility_faults(page) == []
    await page.click("#start-typing")
    await bot_lines(page).first.wait_for(timeout=LONG_MS)
    await page.fill("#message", "你好")
    await page.keyboard.press("Enter")
    await bot_lines(page).nth(1).wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / "typing.png")
    assert await accessibility_faults(page) == []


async def test_a_crisis_shows_who_helps_and_keeps_it_in_view(booth, artifacts):
    """Numbers that a telephone can dial, during the call, after a reload and after its end."""
    page = await booth.page(viewport={"width": 360, "height": 740})
    await page.click("#start-typing")
    await bot_lines(page).first.wait_for(timeout=LONG_MS)
    await page.fill("#message", "我不想活了，我想自殺")
    await page.keyboard.press("Enter")
    await page.locator("#help").wait_for(timeout=LONG_MS)
    number = page.locator("#help a").first
    assert (await number.get_attribute("href")).removeprefix("tel:").isdigit()
    await bot_lines(page).nth(1).wait_for(timeout=LONG_MS)
    await page.screenshot(path=artifacts / "crisis.png")
    assert await accessibility_faults(page) == []
    await page.reload()
    await page.locator("#again").wait_for()
    assert await page.locator("#help").is_visible()
    await page.click("#go-on")
    await bot_lines(page).nth(1).wait_for(timeout=LONG_MS)
    assert await page.locator("#help").is_visible()
    await page.click("#hang-up")
    await page.locator("#after-heading").wait_for()
    assert await page.locator("#help").is_visible()
    await page.screenshot(path=artifacts / "crisis-after.png")


async def test_a_full_house_is_explained(booth, artifacts):
    """Two lines are taken; the third caller learns why and what to do."""
    for _ in range(2):
        await start(await booth.page())
    page = await booth.page(locale="en-GB")
    await page.click("#start")
    await page.locator("#alert").wait_for(timeout=LONG_MS)
    assert await page.inner_text("#alert") == (
        "All lines are taken right now. Please try again in a few minutes."
    )
    await page.screenshot(path=artifacts / "full.png")
