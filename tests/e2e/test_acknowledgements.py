"""A long story on the real models: the bot says 嗯 into it, and answers when it is over."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from agent.caller import Caller, CallScript, ScriptedTurn
from agent.caller_clip import Clip, clip_of
from agent.config import PrivacySettings, Settings, TurnSettings
from agent.store.opening import open_store
from pipeline.audio import OUTPUT_RATE_HZ
from tests.e2e.conftest import SERVER
from tests.e2e.house import House, PatientSwitchboard
from web.metrics import Metrics
from web.server import create_app, running

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

PARTS = (
    "昨天晚上我下班回到家里，看到我爸爸一个人坐在客厅，灯也没有开，我问他怎么了，他说没事，因为",
    "他的公司倒闭了，我不知道该怎么安慰他。",
)
PAUSE_SECS = 1.0  # shorter than any wait after such words
# The story is told at a quarter of its speed, so that the words of a pause are in before it is
# over, however busy the machine is; the loop decides in stream time and notices nothing.
SLOWNESS = 4.0


@pytest_asyncio.fixture(loop_scope="session")
async def study(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[House, Settings]]:
    """A server that keeps records and does not fill gaps, on the engines of the house."""
    monkeypatch.setattr("pipeline.input.GAP_SECS", 600.0)
    settings = Settings(
        home=tmp_path,
        server=SERVER,
        privacy=PrivacySettings(record=True, record_audio=True),
        turn=TurnSettings(pacing="counsellor"),
    )
    board = PatientSwitchboard(house.engines, settings)
    await board.warm_up()
    async with running(create_app(board, settings=settings), SERVER) as url:
        yield House(url, board, Metrics(), house.engines, house.recorder), settings
    await board.close()


def story(house: House) -> Clip:
    """The parts, with a pause for thought after words that ask for more."""
    pause = np.zeros(round(PAUSE_SECS * OUTPUT_RATE_HZ), dtype=np.int16)
    pieces = [piece for part in PARTS for piece in (house.says(part).samples, pause)]
    return clip_of(np.concatenate(pieces[:-1]), OUTPUT_RATE_HZ, name="story")


async def test_a_story_is_acknowledged_and_then_answered(study: tuple[House, Settings]):
    """The words are the persona's; the record has them; the reply comes after all of it."""
    house, settings = study
    turns = (ScriptedTurn(house.says("你好。")), ScriptedTurn(story(house)))
    caller = Caller(house.realtime_url, clock=lambda: time.monotonic() / SLOWNESS)
    report = await caller.run(CallScript(turns, answer_timeout_secs=300.0, listen_secs=0.5))
    assert report.errors == ()
    assert report.acknowledgements
    assert set(report.acknowledgements) <= set(house.board.persona().acknowledgements)
    told = report.turns[1]
    assert told.replies == 1
    assert told.answers[0].begun_ms > 0
    assert told.response_latency_ms == told.client_marks_ms["first_playout"]

    replies_samples = sum(round(one.reply_audio_secs * OUTPUT_RATE_HZ) for one in report.turns)
    store = open_store(settings)
    await house.settled(lambda: store.call(report.call_id).ended_at is not None, "it is kept")
    items = store.items(report.call_id)
    marks = [json.loads(item.content) for item in items if item.kind == "mark"]
    kept_samples = sum(len(item.content) // 2 for item in items if item.kind == "bot_audio")
    store.close()
    assert [mark["acknowledgement"] for mark in marks] == list(report.acknowledgements)
    assert kept_samples > replies_samples
