"""A browser tab on a server without models: its devices are noted and can be held back."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright

from tests.fakes.call import ANSWER

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium is not installed"
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


@asynccontextmanager
async def open_tab(url: str, *arguments: str, devices: str = NOTE_DEVICES) -> AsyncIterator[Page]:
    """The call page in English, in a browser of its own.

    Args:
        url: Of the server.
        arguments: More of them for Chromium.
        devices: A script that runs before each load of the page.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments]
        )
        try:
            page = await (await browser.new_context(locale="en-GB")).new_page()
            page.set_default_timeout(PATIENCE_SECS * 1000)
            await page.add_init_script(devices)
            await page.goto(url)
            yield page
        finally:
            await browser.close()


async def greeted(page: Page) -> None:
    """Wait until the first reply is over; from then on nothing happens by itself."""
    await page.locator(".line[data-who=bot][data-done=true]", has_text=ANSWER).wait_for()


async def becomes(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression holds; the page's policy forbids `wait_for_function`."""
    look = f"const look = () => ({expression}) ? done() : setTimeout(look, 20); look();"
    async with asyncio.timeout(PATIENCE_SECS):
        await page.evaluate(f"new Promise((done) => {{ {look} }})")


async def told(page: Page) -> None:
    """Wait until the page says what the server keeps of a call; before, it starts none."""
    await becomes(
        page,
        "document.getElementById('consent-recording').dataset.text !== 'consent.not_told'",
    )
