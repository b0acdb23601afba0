"""Whole calls on the real models, over a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from dataclasses import dataclass

import numpy as np
import pytest
import pytest_asyncio
import websockets

from agent.caller_report import CallReport, TurnReport
from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.events import MARKS
from pipeline.sounds import sound_of
from pipeline.text import Language, count_units, edit_distance, keys, unit_error_rate
from tests.e2e.house import PATIENCE_SECS, House
from tests.web.site import hear, hear_until, say
from tests.web.test_openai_client import hold_conversation

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="session")]

# Errors per character or word that the base recogniser makes on the caller's voice, and on
# the bot's; both with room for one more mistake than was seen.
HEARD_BOUND = 0.2
REPLY_BOUND = 0.25


async def check_call(house: House, text: str, language: Language | None = None) -> None:
    """One turn: understood, answered, and the answer sounds like its text."""
    report = await house.call(house.says(text))
    (turn,) = report.turns
    assert report.errors == ()
    assert unit_error_rate(turn.transcript, text) <= HEARD_BOUND, turn.transcript
    assert turn.status == "completed"
    assert turn.replies == 1
    assert turn.heard_text == turn.reply_text
    heard = await house.transcribe(reply_sound(report), language)
    assert sound_error_rate(heard, turn.reply_text) <= REPLY_BOUND, (heard, turn.reply_text)


def reply_sound(report: CallReport) -> Int16Array:
    """The recording of a call's only reply, without the 嗯 before it."""
    line, (turn,) = report.recording[:, 1], report.turns
    ended = int(np.flatnonzero(line)[-1]) + 1
    return line[max(0, ended - round(turn.reply_audio_secs * OUTPUT_RATE_HZ)) : ended]


def sound_error_rate(heard: str, said: str) -> float:
    """Edits per syllable or word: a homophone (心理 for 心里) or another tone sounds like it."""
    sounds = [sound_of(key) for key in keys(said)]
    return edit_distance([sound_of(key) for key in keys(heard)], sounds) / len(sounds)


TEXT = "我最近总是睡不好，心里很烦。"


@dataclass(frozen=True)
class HeldCall:
    """One call, and how often the event loop's lag was measured during it."""

    turn: TurnReport
    reply_audio: Int16Array
    lag_samples: float


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def held(house: House) -> HeldCall:
    def lag_samples() -> float:
        return house.metrics.registry.get_sample_value("qingting_event_loop_lag_seconds_count") or 0

    before = lag_samples()
    report = await house.call(house.says(TEXT))
    assert report.errors == ()
    return HeldCall(report.turns[0], reply_sound(report), lag_samples() - before)


async def test_the_caller_is_understood(held: HeldCall):
    """A synthetic caller's words, through the whole loop, by character error rate."""
    assert unit_error_rate(held.turn.transcript, TEXT) <= HEARD_BOUND, held.turn.transcript


async def test_the_caller_is_answered(held: HeldCall):
    """Once, with a reply that is heard to its end."""
    assert (held.turn.status, held.turn.replies) == ("completed", 1)
    assert held.turn.heard_text == held.turn.reply_text
    assert count_units(held.turn.reply_text) >= 2


async def test_the_answer_sounds_like_its_text(house: House, held: HeldCall):
    """What came out of the loudspeaker is transcribed again."""
    heard = await house.transcribe(held.reply_audio, "zh")
    assert sound_error_rate(heard, held.turn.reply_text) <= REPLY_BOUND, (heard, held.turn)


async def test_every_mark_of_a_turn_is_booked(held: HeldCall):
    """In a possible order."""
    marks = held.turn.server_marks_ms
    assert set(marks) == set(MARKS)
    assert marks["speech_end"] <= marks["soft_end"] <= marks["turn_commit"]
    assert marks["first_token"] <= marks["first_clause"] <= marks["first_audio"]
    assert max(marks["turn_commit"], marks["first_audio"]) <= marks["first_playout"]


async def test_the_event_loop_is_measured_while_the_models_work(
    house: House, held: HeldCall, record_testsuite_property
):
    """The gauge sampled during the call; its p99 is in /metrics, and in this test's report."""
    assert held.lag_samples > 0
    assert "qingting_event_loop_lag_p99_seconds" in house.metrics.render().decode()
    p99_ms = round(house.metrics.loop_lag_p99_secs() * 1000, 1)
    record_testsuite_property("event_loop_lag_p99_ms", p99_ms)


async def test_push_to_talk_is_answered_when_it_is_asked_for(house: House):
    """A clip in one go and a commit: its words; a request after them: one reply."""
    await house.empty()
    clip = house.says(TEXT).samples
    async with asyncio.timeout(PATIENCE_SECS), websockets.connect(house.realtime_url) as socket:
        await say(socket, type="session.update", session={"turn_detection": None})
        for start in range(0, len(clip), OUTPUT_RATE_HZ):
            audio = base64.b64encode(clip[start : start + OUTPUT_RATE_HZ].tobytes()).decode()
            await say(socket, type="input_audio_buffer.append", audio=audio)
        await say(socket, type="input_audio_buffer.commit")
        heard = await hear(socket, "conversation.item.input_audio_transcription.completed")
        await say(socket, type="response.create")
        events = await hear_until(socket, "response.done")
    assert unit_error_rate(heard["transcript"], TEXT) <= HEARD_BOUND, heard
    kinds = [event["type"] for event in events]
    assert kinds.count("response.created") == 1
    assert "error" not in kinds
    (item,) = events[-1]["response"]["output"]
    assert count_units(item["content"][0]["transcript"]) >= 2


@pytest.mark.slow
async def test_the_official_client_holds_a_conversation(house: House):
    """A spoken turn and a typed one through `openai`, on real engines."""
    text = "你好，我想跟你聊一聊。"
    samples = house.says(text).samples
    clip = np.concatenate([samples, np.zeros(2 * OUTPUT_RATE_HZ, dtype=np.int16)])
    heard = await hold_conversation(house.url, clip, chunk_secs=0.02)
    assert unit_error_rate(heard.transcript, text) <= HEARD_BOUND, heard.transcript
    assert len(heard.reply_texts) == 2
    assert all(count_units(text) >= 2 for text in heard.reply_texts)
    sound = np.frombuffer(b"".join(heard.audio), dtype="<i2")
    transcript = await house.transcribe(sound, "zh")
    written = "".join(heard.reply_texts)
    assert unit_error_rate(transcript, written) <= REPLY_BOUND, (transcript, written)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我跟家里人吵架了，不知道该怎么办。", "zh"),
        ("I have been feeling really tired and I cannot sleep.", None),
        ("我最近 deadline 很多，压力很大。", None),
    ],
    ids=["mandarin", "english", "mixed"],
)
async def test_a_turn_in_each_language(house: House, text: str, language: Language | None):
    """Understood, answered, and what is heard of the answer is what was written."""
    await check_call(house, text, language)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "bound"),
    [
        ("aishell1-BAC009S0724W0121.wav", "广州市房地产中介协会分析", 0.2),
        (
            "librispeech-1995-1837-0001.wav",
            "it was the first great sorrow of his life it was not so much the loss of the cotton "
            "itself but the fantasy the hopes the dreams built around it",
            0.1,
        ),
    ],
    ids=["mandarin", "english"],
)
async def test_a_recorded_speaker(house: House, name: str, text: str, bound: float):
    """Real voices in real rooms; inner pauses may be taken for ends, but no word is lost."""
    report = await house.call(house.clip(name))
    (turn,) = report.turns
    assert report.errors == ()
    assert unit_error_rate(turn.transcript, text) <= bound, turn.transcript
    assert turn.status == "completed"


async def test_figures_are_published(house: House):
    """/metrics and /health answer while the server is at work."""

    def get(path: str) -> str:
        with urllib.request.urlopen(house.url + path, timeout=10) as response:
            body: str = response.read().decode()
            return body

    assert "qingting_event_loop_lag_p99_seconds" in await asyncio.to_thread(get, "/metrics")
    assert json.loads(await asyncio.to_thread(get, "/health"))["status"] == "ok"
