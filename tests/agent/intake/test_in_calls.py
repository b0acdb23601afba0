"""In a whole call on fake engines the record reaches the store, typed words included."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from agent.config import PrivacySettings, Settings
from agent.switchboard import Switchboard
from pipeline.assembly import Engines
from pipeline.errors import StoreError
from pipeline.events import CallEnded, CallOptions, ReplyFinished
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser, FakeVoice, FakeVoiceActivity


@pytest.fixture
def engines():
    with ThreadPoolExecutor(1) as workers:
        yield Engines(
            voice_activity=FakeVoiceActivity(),
            recogniser=FakeRecogniser(),
            language_model=FakeLanguageModel(answer=lambda text: "嗯，這樣多久了？"),
            voice=FakeVoice(),
            workers=workers,
        )


async def typed_call(board, *lines, options=None):
    """A call in which each line is typed once the reply to the last one is over."""
    call = await board.open_call(options or CallOptions(locale="zh-Hant"))
    waiting = list(lines)

    def next_line():
        call.send_text(waiting.pop(0))
        call.respond()

    next_line()
    async for event in call.events():
        if isinstance(event, ReplyFinished):
            if not waiting:
                break
            next_line()
    await call.close()
    async for event in call.events():
        if isinstance(event, CallEnded):
            break
    call._recorder.wait_closed()
    return call.call_id


async def test_a_kept_call_leaves_its_record(tmp_path, engines):
    """With the question that the bot asked, and the answer to it."""
    board = Switchboard(engines, Settings(home=tmp_path, privacy=PrivacySettings(record=True)))
    call_id = await typed_call(board, "我最近失戀了", "三個月了")
    record = board.intake_desk.facts(call_id).record
    assert [entry.quote for entry in record.of("concern")] == ["我最近失戀了"]
    assert [entry.quote for entry in record.of("since")] == ["三個月了"]
    assert record.locale == "zh-Hant"
    await board.close()


async def test_without_records_nothing_is_taken_down(tmp_path, engines):
    """The caller was told that nothing is kept, and nobody is asked for nothing."""
    board = Switchboard(engines, Settings(home=tmp_path))
    assert board.intake_desk is None
    call = await board.open_call(CallOptions())
    assert call._intake is None
    await board.close()


@pytest.mark.parametrize(
    ("settings", "options", "asked"),
    [
        ({}, {}, {"since": 3}),
        ({"intake": {"ask": False}}, {}, {}),
        ({}, {"instructions": "You sell shoes."}, {}),
    ],
)
async def test_what_is_missing_is_asked_once(tmp_path, engines, settings, options, asked):
    """From the third turn on, in words of its own, and only by the package's persona."""
    engines = replace(engines, language_model=FakeLanguageModel(answer=lambda text: "嗯，我在聽。"))
    privacy = PrivacySettings(record=True)
    board = Switchboard(engines, Settings(home=tmp_path, privacy=privacy, **settings))
    lines = ("我失戀了", "就是這樣", "房子裡空空的", "窗外有棵樹", "它很老")
    call_id = await typed_call(board, *lines, options=CallOptions(locale="zh-Hant", **options))
    assert board.intake_desk.facts(call_id).record.asked == asked
    await board.close()


async def test_intake_can_be_left_out_of_kept_calls(tmp_path, engines):
    """Words are kept, and nothing is made of them."""
    settings = Settings(home=tmp_path, privacy=PrivacySettings(record=True), intake={"take": False})
    board = Switchboard(engines, settings)
    call_id = await typed_call(board, "我最近失戀了")
    assert board.intake_desk is None
    from agent.intake.desk import IntakeDesk

    with pytest.raises(StoreError):
        IntakeDesk(board._records).facts(call_id)
    await board.close()
