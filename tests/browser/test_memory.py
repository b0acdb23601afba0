"""A caller who wants to be remembered, in a real browser, from the consent to the forgetting."""

from __future__ import annotations

import pytest
from playwright.async_api import Dialog, Page

from agent.config import ServerSettings, Settings
from agent.switchboard import Switchboard
from tests.browser.booth import accessibility_faults
from tests.browser.tab import told
from web.server import create_app, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

LONG_MS = 60_000  # for a machine that does other things as well
TOLD = "我失戀了三個月了"
AGAIN = "我還記得一些"


async def call(page: Page, *turns: str) -> str:
    """A typed call: the greeting, the turns, the hang-up; the greeting's text."""
    await page.click("#start-typing")
    said = page.locator(".line[data-who=bot][data-done=true]")
    await said.first.wait_for(timeout=LONG_MS)
    greeting = await said.first.locator(".text").inner_text()
    for number, text in enumerate(turns, start=1):
        await page.fill("#message", text)
        await page.press("#message", "Enter")
        await said.nth(number).wait_for(timeout=LONG_MS)
    await page.click("#hang-up")
    await page.locator("#after-heading").wait_for()
    return greeting


async def test_a_caller_is_remembered_corrected_and_forgotten(booth, artifacts, tmp_path):
    """Not before they want it, as they correct it, and not after they have had enough."""
    settings = Settings(home=tmp_path, server=ServerSettings(port=0), memory={"offer": True})
    board = Switchboard(booth.board.engines, settings)
    app = create_app(board, settings=settings, memory=board.memory_desk)
    page = await booth.page(microphone=False)
    try:
        async with running(app, settings.server) as url:
            await page.goto(url)
            await told(page)
            assert not await page.is_checked("#remember")
            assert AGAIN not in await call(page, TOLD)
            assert await page.locator("#memory").is_hidden()

            await page.reload()
            await page.check("#remember")
            await page.screenshot(path=artifacts / "memory-consent.png")
            assert AGAIN not in await call(page, TOLD)
            lines = page.locator("#memory-lines q")
            await lines.first.wait_for(timeout=LONG_MS)
            assert await lines.all_inner_texts() == [TOLD]
            assert await accessibility_faults(page) == []

            await page.reload()
            await page.locator("#memory-lines button").first.click()
            await page.fill(".memory-edit input", "我們分開了")
            await page.press(".memory-edit input", "Enter")
            await lines.filter(has_text="我們分開了").wait_for(timeout=LONG_MS)
            await page.screenshot(path=artifacts / "memory.png", full_page=True)
            assert AGAIN in await call(page)

            async def agree(dialog: Dialog) -> None:
                await dialog.accept()

            page.on("dialog", agree)
            await page.reload()
            await page.click("#memory-forget")
            await page.locator("#memory").wait_for(state="hidden")
            assert not await page.is_checked("#remember")
            assert AGAIN not in await call(page)
        assert page.faults == []
    finally:
        await page.close()
        await board.close()
