"""How a call ends on the page.

What stands behind the server is a fake call: it says nothing of its own, so a test decides
when something ends, and needs no models.
"""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.browser.tab import MICROPHONES, becomes, greeted, open_tab, told
from tests.fakes.call import ANSWER, FakeFactory
from tests.web.site import Site, running_site
from web.realtime.endings import LOST, TIMEOUT, Ending

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="function")]


@pytest.fixture(autouse=True)
def _lines_are_free_again() -> None:
    """No booth and its models are needed here."""


@pytest_asyncio.fixture
async def site():
    async with running_site(FakeFactory(answer_secs=0.2)) as one:
        yield one


@pytest_asyncio.fixture
async def page(site: Site):
    async with open_tab(site.url) as one:
        await told(one)
        yield one


async def hold(page: Page, what: str) -> None:
    """Let "answer" or "worklets" wait until `release`."""
    await page.evaluate(f"{what} = new Promise((go) => (globalThis.go = go)), null")


async def release(page: Page) -> None:
    await page.evaluate("go()")


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
