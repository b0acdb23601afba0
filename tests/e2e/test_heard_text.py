"""What the server believes was heard, against a recording of what was."""

from __future__ import annotations

import numpy as np
import pytest

from agent.caller import ScriptedTurn
from agent.caller_clip import window_levels_dbfs
from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.events import CallOptions
from pipeline.playout.ledger import ReplyLedger
from pipeline.sounds import sound_of
from pipeline.text import edit_distance, similarity, units
from pipeline.tts.base import SpeechStyle
from pipeline.tts.normalise import normalise
from tests.e2e.house import House

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="session")]

SILENCE_SECS = 0.7  # longer than any pause inside a reply
WINDOW = OUTPUT_RATE_HZ // 100

ZH = ("听起来你最近真的很辛苦，", "晚上睡不着的时候，", "脑子里一般都在想些什么呢？")
EN = ("It sounds like you are very tired. ", "How long has it been going on?")
NUMBERS = ("那个周末你只睡了3个小时，", "花了128块钱买药[拥抱]，", "现在觉得好一点了吗？")


def sounds(text: str) -> list[str]:
    """Units as they are spoken, homophones folded."""
    return [sound_of(unit.text) for unit in units(normalise(text, "zh").spoken)]


def spoken(house: House, clauses: tuple[str, ...]) -> tuple[ReplyLedger, Int16Array]:
    """The clauses by the real voice, booked as playout books them."""
    ledger, audio = ReplyLedger(), []
    for index, text in enumerate(clauses):
        start = ledger.append_text(text)
        for chunk in house.engines.voice.synthesise(text, SpeechStyle(), lambda: False):
            marks = [type(mark)(start + mark.chars, mark.samples) for mark in chunk.marks]
            ledger.append_audio(index, len(chunk.pcm), marks)
            audio.append(chunk.pcm)
    return ledger, np.concatenate(audio)


@pytest.mark.slow
@pytest.mark.parametrize(("clauses", "language"), [(ZH, "zh"), (EN, "en"), (NUMBERS, "zh")])
async def test_the_ledger_agrees_with_a_listener(
    house: House, clauses: tuple[str, ...], language: str
):
    """Cut anywhere, the heard text is what a recogniser hears of the audio up to the cut.

    A listener who is cut off in mid-syllable guesses, and so does Whisper; so the median of
    many cuts must be right to one unit, and hardly any may be wrong by more than two.
    """
    assert language in ("zh", "en")
    ledger, audio = spoken(house, clauses)
    errors = []
    for share in np.linspace(0.25, 1.0, 12):
        cut = round(float(share) * len(audio))
        heard = sounds(ledger.heard_text(cut))
        listened = sounds(await house.transcribe(audio[:cut], language))
        errors.append(abs(len(heard) - len(listened)))
        assert edit_distance(heard, listened) <= max(3, 0.35 * len(heard)), (heard, listened)
    assert float(np.median(errors)) <= 1.0, errors
    assert float(np.percentile(errors, 80)) <= 2.0, errors
    assert ledger.heard_text(len(audio)) == "".join(clauses)


def first_stretch(line: Int16Array) -> Int16Array:
    """The first reply of a recording: up to the first long silence."""
    loud = np.flatnonzero(window_levels_dbfs(line, WINDOW) >= -50.0)
    gaps = np.flatnonzero(np.diff(loud) > SILENCE_SECS * 100)
    last = loud[gaps[0]] if len(gaps) else loud[-1]
    return line[loud[0] * WINDOW : (last + 1) * WINDOW]


@pytest.mark.slow
async def test_a_cut_reply_is_remembered_as_it_was_recorded(house: House):
    """Over the wire: heard text, model's context and recording agree."""
    asked = len(house.prompts)
    report = await house.call(
        house.says("我最近压力很大，晚上睡不着，你觉得我该怎么办？"),
        ScriptedTurn(house.says("等一下，我想先说说我妈妈。"), cut_in_secs=0.5),
        language="zh",
    )
    cut = report.turns[0]
    assert cut.status == "interrupted", cut
    assert not cut.heard_is_estimated
    assert cut.reply_text.startswith(cut.heard_text)
    listened = await house.transcribe(first_stretch(report.recording[:, 1]), "zh")
    assert abs(len(sounds(cut.heard_text)) - len(sounds(listened))) <= 1, (cut, listened)
    mark = house.board.profile(CallOptions()).cut_mark
    remembered = [m.content for m in house.prompts[-1] if m.role == "assistant"]
    assert len(house.prompts) > asked + 1
    assert remembered[-1] == cut.heard_text.rstrip() + mark


@pytest.mark.slow
async def test_the_unheard_part_is_not_repeated_unless_asked_for(house: House):
    """Another question gets another answer; 你刚才说到哪了 gets the rest."""
    story = house.says("我最近压力很大，晚上睡不着，你觉得我该怎么办？")
    cut_in = ScriptedTurn(house.says("等一下，我想先说说我妈妈。"), cut_in_secs=0.5)
    report = await house.call(
        story,
        cut_in,
        ScriptedTurn(house.says("等一下。"), cut_in_secs=0.5),
        house.says("你刚才说到哪了？"),
        language="zh",
    )
    first, second, third, last = report.turns
    unheard = first.reply_text[len(first.heard_text) :]
    assert similarity(unheard, second.reply_text) < 0.6, (unheard, second.reply_text)
    cut = [turn for turn in (second, third) if turn.status == "interrupted"][-1]
    rest = cut.reply_text[len(cut.heard_text) :].lstrip("，。、；：,.;: ")
    assert rest
    assert last.reply_text.endswith(rest), (cut, last)
