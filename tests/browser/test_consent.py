"""What the caller reads before a call is what the call then does."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from agent.config import PrivacySettings, ServerSettings, Settings
from agent.keys import KeyRing
from agent.memory.desk import MemoryDesk
from agent.store.keys import KeyFile
from agent.store.records import RecordStore
from tests.browser.tab import MICROPHONES, NOTE_DEVICES, becomes, greeted, open_tab, told
from tests.fakes.call import FakeFactory
from web.server import create_app, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="function")]

READ_FIRST = "Please read this first"
UNKNOWN = "What the server keeps of a call will stand here before you start."
KEEPS_NOTHING = (
    "The server keeps no recording and no transcript. When the call ends, they are gone."
)
KEEPS_ALL = "The server keeps a transcript and a recording of this call for whoever runs it."
WAS_REMEMBERED = """
  localStorage.setItem("qingting.choices",
    JSON.stringify({ rememberMe: true, memoryTag: "t".repeat(32) }));
"""


@pytest.fixture(autouse=True)
def _lines_are_free_again() -> None:
    """No booth and its models are needed here."""


@pytest.fixture
def factory() -> FakeFactory:
    return FakeFactory(answer_secs=0.2)


@pytest.fixture
def memory(tmp_path):
    store = RecordStore(tmp_path / "records.sqlite", KeyFile(tmp_path / "records.key"))
    yield MemoryDesk(store)
    store.close()


@asynccontextmanager
async def serving(factory: FakeFactory, home, *, keyed=False, record=False, memory=None, port=0):
    """A server's address; one that others reach wants a key."""
    settings = Settings(
        home=home,
        server=ServerSettings(port=port, public_hosts=("talk.example",) if keyed else ()),
        privacy=PrivacySettings(record=record, record_audio=record),
    )
    app = create_app(factory, settings=settings, memory=memory)
    async with running(app, settings.server) as url:
        yield url


@pytest.mark.parametrize("button", ["#start", "#start-typing"])
async def test_a_key_opens_the_sentences_before_it_opens_a_call(factory, tmp_path, button):
    """Without the key the page cannot know, and claims nothing; with it, the caller reads first."""
    key = KeyRing(tmp_path / "keys.toml").add("clinic")
    async with (
        serving(factory, tmp_path, keyed=True, record=True) as url,
        open_tab(url) as page,
    ):
        await page.fill("#key", key)
        assert await page.inner_text("#consent-recording") == UNKNOWN
        await page.click(button)
        await page.locator("#alert", has_text=READ_FIRST).wait_for()
        assert await page.inner_text("#consent-recording") == KEEPS_ALL
        assert await page.evaluate("document.activeElement.id") == "consent-heading"
        assert (factory.calls, await page.evaluate(MICROPHONES)) == ([], [])
        await page.click(button)
        await greeted(page)
        assert await page.locator("#alert").is_hidden()


async def test_a_server_that_came_back_as_another_is_read_again(factory, tmp_path):
    """It records now; the page that was open all the while had said that it does not."""
    async with AsyncExitStack() as stack:
        async with serving(factory, tmp_path) as url:
            page = await stack.enter_async_context(open_tab(url))
            await told(page)
        port = int(url.rpartition(":")[2])
        await stack.enter_async_context(serving(factory, tmp_path, record=True, port=port))
        assert await page.inner_text("#consent-recording") == KEEPS_NOTHING
        await page.click("#start-typing")
        await page.locator("#alert", has_text=READ_FIRST).wait_for()
        assert await page.inner_text("#consent-recording") == KEEPS_ALL
        assert factory.calls == []
        await page.click("#start-typing")
        await greeted(page)


async def test_nobody_is_remembered_by_a_box_that_was_not_shown(factory, tmp_path, memory):
    """Ticked in an earlier call, it is seen, and can be unticked, before this one."""
    key = KeyRing(tmp_path / "keys.toml").add("clinic")
    async with (
        serving(factory, tmp_path, keyed=True, memory=memory) as url,
        open_tab(url, devices=WAS_REMEMBERED + NOTE_DEVICES) as page,
    ):
        await page.fill("#key", key)
        assert await page.locator("#remember").is_hidden()
        await page.click("#start-typing")
        await page.locator("#alert", has_text=READ_FIRST).wait_for()
        assert await page.is_checked("#remember")
        await page.uncheck("#remember")
        await page.click("#start-typing")
        await greeted(page)
        assert [call.options.caller for call in factory.calls] == [None]


async def test_what_is_ticked_in_one_tab_is_ticked_in_the_other(factory, tmp_path, memory):
    """And what is chosen there later takes nothing of it back."""
    async with (
        serving(factory, tmp_path, memory=memory) as url,
        open_tab(url) as page,
        await page.context.new_page() as other,
    ):
        await other.goto(url)
        await page.check("#remember")
        await becomes(other, "document.getElementById('remember').checked")
        await other.select_option("#locale", "zh-Hant")
        await becomes(page, "document.documentElement.lang === 'zh-Hant'")
        await page.reload()
        assert await page.is_checked("#remember")
