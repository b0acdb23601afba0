"""How a call ends on the page.

What stands behind the server is a fake call: it says nothing of its own, so a test decides
when something ends, and needs no models.
"""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from tests.browser.booth import CHROMIUM
from tests.fakes.call import ANSWER, FakeFactory
from tests.web.site import Site, running_site
from web.realtime.endings import LOST, TIMEOUT, Ending

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="function")]

ARGUMENTS = [
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
# The page asks for its devices as ever. Every microphone that it gets is noted; a test lets the
# browser's answer and the worklets wait for promises of its own.
NOTE_DEVICES = """
  Object.assign(globalThis, { microphones: [], answer: null, worklets: null });
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    microphones.push(stream.getAudioTracks()[0]);
    await answer;
    return stream;
  };
  const { addModule } = AudioWorklet.prototype;
  AudioWorklet.prototype.addModule = async function (url) {
    await worklets;
    return addModule.call(this, url);
  };
"""
MICROPHONES = "microphones.map((track) => track.readyState)"
PATIENCE_SECS = 60.0  # for a machine that does other things as well


@pytest.fixture(autouse=True)
def _lines_are_free_again() -> None:
    """No booth and its models are needed here."""


@pytest_asyncio.fixture
async def site():
    async with running_site(FakeFactory(answer_secs=0.2)) as one:
        yield one


@pytest_asyncio.fixture
async def page(site: Site):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        one = await (await browser.new_context(locale="en-GB")).new_page()
        one.set_default_timeout(PATIENCE_SECS * 1000)
        await one.add_init_script(NOTE_DEVICES)
        await one.goto(site.url)
        yield one
        await browser.close()


async def greeted(page: Page) -> None:
    """Wait until the first reply is over; from then on nothing happens by itself."""
    await page.locator(".line[data-who=bot][data-done=true]", has_text=ANSWER).wait_for()


async def hold(page: Page, what: str) -> None:
    """Let "answer" or "worklets" wait until `release`."""
    await page.evaluate(f"{what} = new Promise((go) => (globalThis.go = go)), null")


async def release(page: Page) -> None:
    await page.evaluate("go()")


async def becomes(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression holds; the page's policy forbids `wait_for_function`."""
    look = f"const look = () => ({expression}) ? done() : setTimeout(look, 20); look();"
    async with asyncio.timeout(PATIENCE_SECS):
        await page.evaluate(f"new Promise((done) => {{ {look} }})")


async def expire(site: Site) -> None:
    """End the call as while its client sleeps: the socket is lost, and then the call."""
    (ongoing,) = site.app.state.calls._calls.values()
    if ongoing._outbox is not None:
        ongoing._outbox.close(Ending(LOST.reason, 4002))
    ongoing.end(TIMEOUT)
    await ongoing.ended.wait()


async def test_a_call_that_expires_while_the_page_is_open_leaves_what_was_said(site, page):
    """The retry finds no call; transcript and review are there as after a hang-up."""
    await page.click("#start")
    await greeted(page)
    await expire(site)
    await page.locator("#after-heading").wait_for()
    assert await page.inner_text("#alert") == "That call has ended in the meantime."
    async with page.expect_download() as saving:
        await page.click("#save-transcript")
    assert ANSWER in (await (await saving.value).path()).read_text(encoding="utf-8")
    assert await page.evaluate(MICROPHONES) == ["ended"]


async def test_a_call_that_expires_while_the_page_is_away_leads_back_to_the_welcome(site, page):
    """A reloaded page has nothing of the call to show."""
    await page.click("#start")
    await greeted(page)
    await page.reload()
    await page.locator("#go-on").wait_for()
    await expire(site)
    await page.click("#go-on")
    await page.locator("#alert", has_text="That call has ended in the meantime.").wait_for()
    assert await page.locator("#start").is_visible()
    assert not await page.locator("#go-on").is_visible()


async def test_a_hang_up_while_connecting_switches_the_microphone_off(page):
    """The worklet that is still on its way changes nothing about it."""
    await hold(page, "worklets")
    await page.click("#start")
    await page.click("#hang-up")
    assert await page.evaluate(MICROPHONES) == ["ended"]
    await release(page)
    await page.locator("#start:enabled").wait_for()
    assert await page.evaluate(MICROPHONES) == ["ended"]


async def test_a_call_can_be_muted_and_silenced_while_connecting(page):
    """Both hold from the first sound on."""
    await hold(page, "worklets")
    await page.click("#start")
    await page.click("#mute")
    await page.click("#silence")
    await release(page)
    await page.locator("#orb[data-state=muted]").wait_for()
    assert await page.evaluate("microphones.map((track) => track.enabled)") == [False]
    assert await page.get_attribute("#silence", "aria-pressed") == "true"


async def test_a_microphone_allowed_after_the_call_is_switched_off(page):
    """The caller hung up while the browser's question was open."""
    await page.click("#start-typing")
    await greeted(page)
    await hold(page, "answer")
    await page.click("#mute")
    await page.click("#hang-up")
    await page.locator("#after-heading").wait_for()
    await becomes(page, "microphones.length === 1")
    await release(page)
    await becomes(page, "microphones[0].readyState === 'ended'")


async def test_two_clicks_ask_for_one_microphone(page):
    """The second one, while the browser asks, does nothing."""
    await page.click("#start-typing")
    await greeted(page)
    await hold(page, "answer")
    await page.click("#mute")
    await page.click("#mute")
    await becomes(page, "microphones.length > 0")
    await release(page)
    await page.locator("#mute", has_text="Mute").wait_for()
    assert await page.evaluate(MICROPHONES) == ["live"]
    await page.click("#hang-up")
    assert await page.evaluate(MICROPHONES) == ["ended"]


async def test_a_worklet_that_does_not_come_leaves_no_microphone_on(page):
    """The page is back at its welcome and says what is wrong."""
    await page.evaluate("worklets = Promise.reject(new Error('no such file')), null")
    await page.click("#start")
    await page.locator("#alert").wait_for()
    assert await page.inner_text("#alert") == "The server cannot be reached. Is it running?"
    assert await page.locator("#start").is_visible()
    assert await page.evaluate(MICROPHONES) == ["ended"]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            "AudioContext.prototype.createMediaStreamSource",
            "The microphone could not be started. Try again, or type instead.",
        ),
        ("Date.now", "This page could not start the call. Reload it and try again."),
    ],
)
async def test_a_call_that_cannot_start_leads_back_to_the_welcome(page, broken, told):
    """Whatever the browser refuses, and also where a mistake of the page is to blame."""
    await page.evaluate(f"{broken} = () => {{ throw new Error('broken') }}, null")
    await page.click("#start")
    await page.locator("#alert").wait_for()
    assert await page.inner_text("#alert") == told
    assert await page.locator("#start").is_visible()
    assert await page.evaluate(MICROPHONES) == ["ended"]
