"""The page by plain HTTP under a name: browsers give it neither a microphone nor worklets."""

from __future__ import annotations

import pytest
import pytest_asyncio

from agent.config import ServerSettings, Settings
from agent.keys import KeyRing
from tests.browser.tab import greeted, open_tab, told
from tests.fakes.call import FakeFactory
from web.server import create_app, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="function")]

NAME = "talk.example"


@pytest.fixture(autouse=True)
def _lines_are_free_again() -> None:
    """No booth and its models are needed here."""


@pytest.fixture
def factory() -> FakeFactory:
    return FakeFactory(answer_secs=0.2)


@pytest_asyncio.fixture
async def page(factory, tmp_path):
    key = KeyRing(tmp_path / "keys.toml").add("clinic")
    settings = Settings(home=tmp_path, server=ServerSettings(port=0, public_hosts=(NAME,)))
    async with (
        running(create_app(factory, settings=settings), settings.server) as url,
        open_tab(
            url.replace("127.0.0.1", NAME),
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
            devices="",
        ) as one,
    ):
        assert not await one.evaluate("isSecureContext")
        await one.fill("#key", key)
        await one.click("#start-typing")
        await told(one)
        yield one


async def test_a_call_that_is_typed_instead_is_heard(factory, page):
    """As the sentence about the microphone promises, and to the end; also after a reload."""
    await page.click("#start")
    await page.locator("#alert", has_text="or type instead").wait_for()
    await page.click("#start-typing")
    await greeted(page)
    await page.reload()
    await page.click("#go-on")
    await page.fill("#message", "hello")
    await page.press("#message", "Enter")
    await page.locator(".line[data-who=bot][data-done=true]").nth(1).wait_for()
    (call,) = factory.calls
    assert ("text", "hello") in call.asked
    heard = {asked[1] for asked in call.asked if asked[0] == "played"}
    assert heard == {"reply_1", "reply_2"}
