"""A call goes on after a reload, whatever has become of the microphone."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import Page

from pipeline.events import CrisisNoted, HelpLine
from tests.browser.tab import MICROPHONES, NOTE_DEVICES, greeted, open_tab, told
from tests.fakes.call import FakeFactory
from tests.web.site import Site, running_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="function")]

# From the next load of the page on, as when the caller has taken the permission back.
BREAK_LATER = """
  if (sessionStorage.getItem("break") === "getUserMedia") {
    navigator.mediaDevices.getUserMedia = async () => {
      throw new DOMException("not any more", "NotAllowedError");
    };
  }
  if (sessionStorage.getItem("break") === "createMediaStreamSource") {
    AudioContext.prototype.createMediaStreamSource = () => {
      throw new Error("broken");
    };
  }
"""
NUMBER = HelpLine("Samaritans", "116 123", "day and night")


@pytest.fixture(autouse=True)
def _lines_are_free_again() -> None:
    """No booth and its models are needed here."""


@pytest_asyncio.fixture
async def site():
    async with running_site(FakeFactory(answer_secs=0.2)) as one:
        yield one


@pytest_asyncio.fixture
async def page(site: Site):
    async with open_tab(site.url, devices=NOTE_DEVICES + BREAK_LATER) as one:
        await told(one)
        yield one


async def in_crisis(site: Site, page: Page) -> None:
    """The call that has just begun gets to where numbers are shown."""
    await greeted(page)
    site.factory.calls[0].emit(CrisisNoted("imminent", "suicide", (NUMBER,)))
    await page.locator("#help", has_text=NUMBER.number).wait_for()


async def assert_goes_on(site: Site, page: Page) -> None:
    """It is the same call, its numbers are there, and what is typed reaches it."""
    await greeted(page)
    assert await page.locator("#help", has_text=NUMBER.number).is_visible()
    await page.fill("#message", "still here")
    await page.press("#message", "Enter")
    await page.locator(".line[data-who=bot][data-done=true]").nth(1).wait_for()
    (call,) = site.factory.calls
    assert ("text", "still here") in call.asked


async def test_a_typed_call_goes_on_typed(site, page):
    """Nobody who chose to type has a microphone opened by a reload."""
    await page.click("#start-typing")
    await in_crisis(site, page)
    await page.reload()
    await page.click("#go-on")
    await assert_goes_on(site, page)
    assert await page.evaluate(MICROPHONES) == []


@pytest.mark.parametrize(
    ("broken", "told_why"),
    [
        ("getUserMedia", "The browser does not let this page use the microphone."),
        ("createMediaStreamSource", "The microphone could not be started."),
    ],
)
async def test_a_call_goes_on_without_the_microphone_it_had(site, page, broken, told_why):
    """Rather than not at all; the page says why, and opens the field to type in."""
    await page.click("#start")
    await in_crisis(site, page)
    await page.evaluate("what => sessionStorage.setItem('break', what)", broken)
    await page.reload()
    await page.click("#go-on")
    await assert_goes_on(site, page)
    assert told_why in await page.inner_text("#alert")
    assert "live" not in await page.evaluate(MICROPHONES)
