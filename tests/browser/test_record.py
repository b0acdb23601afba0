"""What the caller sees of the intake record at the end of a call."""

from __future__ import annotations

import pytest

from agent.config import PrivacySettings, ServerSettings, Settings
from agent.intake.desk import IntakeDesk
from agent.intake.taker import IntakeTaker
from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.records import RecordStore
from tests.browser.tab import becomes, greeted, open_tab, told
from tests.fakes.call import FakeFactory
from web.server import create_app, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="function")]

IN_VIEW = """(() => {
  const { top, bottom, height } = document.getElementById("alert").getBoundingClientRect();
  return scrollY > height && top >= 0 && bottom <= innerHeight;
})()"""


@pytest.fixture(autouse=True)
def _lines_are_free_again() -> None:
    """No booth and its models are needed here."""


@pytest.fixture
def store(tmp_path):
    """What the fake's first call left so far: it is not over."""
    store = RecordStore(tmp_path / "records.sqlite", KeyFile(tmp_path / "records.key"))
    taker = IntakeTaker("en")
    taker.bot_text("What shall I call you?")
    taker.caller_text("my name is Sarah and I'm really anxious")
    store.begin("call_1", Consent())
    store.replace("call_1", "intake", taker.record.model_dump_json().encode())
    yield store
    store.close()


async def test_what_cannot_be_struck_is_said_in_view(store, tmp_path):
    """Also at the end of a long page; when it works the next time, the sentence goes."""
    settings = Settings(
        home=tmp_path, server=ServerSettings(port=0), privacy=PrivacySettings(record=True)
    )
    app = create_app(
        FakeFactory(answer_secs=0.2), settings=settings, intake=IntakeDesk(store, 3600.0)
    )
    async with running(app, settings.server) as url, open_tab(url) as page:
        await page.set_viewport_size({"width": 360, "height": 500})
        await told(page)
        await page.click("#start-typing")
        await greeted(page)
        await page.click("#hang-up")
        await page.locator("#after-hint", has_text="The server keeps its own record").wait_for()
        strike = page.locator("#record-fields button").last
        await strike.click()
        await page.locator(
            "#alert", has_text="Your last words are still being taken down"
        ).wait_for()
        assert await page.evaluate(IN_VIEW)
        store.end("call_1")
        await strike.click()
        await becomes(page, "document.getElementById('alert').hidden")
