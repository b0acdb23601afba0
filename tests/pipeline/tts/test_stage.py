"""The voice's stage: clauses in, speech out."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.clauses import Clause
from pipeline.events import CallFailed
from pipeline.frames import (
    ClauseFrame,
    DropFrame,
    ReplyTextEndFrame,
    SpeechEndFrame,
    SpeechFrame,
    SpeechRateFrame,
)
from pipeline.tts.base import SpeechStyle
from pipeline.tts.stage import TtsStage
from tests.fakes.driver import Passed, Step, drive
from tests.fakes.engines import FakeVoice, InlineExecutor, StallingExecutor
from tests.fakes.speech import listen


def run(*steps: Step, voice: FakeVoice | None = None, workers: Executor | None = None) -> Passed:
    stage = TtsStage(voice or FakeVoice(), SpeechStyle(), workers or InlineExecutor())
    return drive(stage, *steps)


def clauses(generation: int, *texts: str) -> list[Step]:
    """A whole reply."""
    start, frames = 0, list[Step]()
    for index, text in enumerate(texts):
        clause = Clause(text, start, start + len(text), index)
        frames.append(ClauseFrame(generation, clause))
        start += len(text)
    return [*frames, ReplyTextEndFrame(generation)]


def spoken(passed: Passed, generation: int) -> str:
    frames = [f for f in passed.all(SpeechFrame) if f.generation == generation]
    pcm = np.concatenate([np.zeros(0, dtype=np.int16), *[frame.pcm for frame in frames]])
    return listen(pcm, OUTPUT_RATE_HZ)


def test_clauses_are_spoken_in_order():
    """Each clause's text goes ahead of its voice; the end comes last, once."""
    passed = run(*clauses(1, "听起来，", "很辛苦。"), 0.1)
    assert spoken(passed, 1) == "听起来，很辛苦。"
    assert passed.kinds()[0] is ClauseFrame
    assert passed.kinds()[-1] is SpeechEndFrame
    assert [frame.last for frame in passed.all(SpeechFrame)].count(True) == 2
    assert passed.marks == ["first_audio"]


def test_marks_count_from_the_start_of_the_reply():
    """The second clause's characters follow those of the first."""
    passed = run(*clauses(1, "听起来，", "很辛苦。"), 0.1)
    marks = [mark.chars for frame in passed.all(SpeechFrame) for mark in frame.marks]
    assert marks == list(range(1, 9))


def test_a_dropped_reply_falls_silent():
    """What waits is not spoken, and its end is not announced."""
    passed = run(DropFrame(1, "interrupted"), *clauses(1, "听起来。"), *clauses(2, "好。"), 0.1)
    assert spoken(passed, 1) == ""
    assert spoken(passed, 2) == "好。"
    assert [frame.generation for frame in passed.all(SpeechEndFrame)] == [2]


def test_a_reply_is_spoken_at_the_rate_it_asks_for():
    """Its clauses and no others; never slower than is understood."""
    rates: dict[str, float] = {}

    class Listening(FakeVoice):
        def synthesise(self, text, style, cancelled):
            rates[text] = style.rate
            return super().synthesise(text, style, cancelled)

    steps = [SpeechRateFrame(1, 0.8), *clauses(1, "听起来，", "很辛苦。"), *clauses(2, "好。")]
    run(*steps, SpeechRateFrame(3, 0.1), *clauses(3, "嗯。"), 0.1, voice=Listening())
    assert rates == {"听起来，": 0.8, "很辛苦。": 0.8, "好。": 1.0, "嗯。": 0.5}


def test_a_clause_without_words_is_in_the_language_under_way():
    """That of the last clause with words, in this reply or before; at first the call's."""
    languages: list[str] = []

    class Listening(FakeVoice):
        def synthesise(self, text, style, cancelled):
            languages.append(style.language)
            return super().synthesise(text, style, cancelled)

    steps = [*clauses(1, "1925。", "Yes! ", "24/7! "), *clauses(2, "988. ", "好。", "25。")]
    run(*steps, 0.1, voice=Listening())
    assert languages == ["zh", "en", "en", "en", "zh", "zh"]


def test_a_failed_voice_ends_the_reply_as_failed():
    """After what could be spoken, and the client is told once."""
    passed = run(
        *clauses(1, "听起来，", "很辛苦。", "多久了？"),
        0.1,
        voice=FakeVoice(fail=lambda text: "辛苦" in text),
    )
    assert spoken(passed, 1) == "听起来，"
    assert [frame.failed for frame in passed.all(SpeechEndFrame)] == [True]
    assert [failed.code for failed in passed.events(CallFailed)] == ["synthesis_error"]


def test_an_unexpected_failure_is_the_voices_failure_too():
    """Whatever an engine raises ends its reply, not the call."""

    class Broken(FakeVoice):
        def synthesise(self, text, style, cancelled):
            raise ZeroDivisionError
            yield

    passed = run(*clauses(1, "听起来。"), 0.1, voice=Broken())
    assert [frame.failed for frame in passed.all(SpeechEndFrame)] == [True]
    assert [failed.code for failed in passed.events(CallFailed)] == ["synthesis_error"]


def test_a_hanging_voice_does_not_silence_the_next_reply():
    """Once its reply is dropped its clause is given up."""
    passed = run(
        *clauses(1, "听起来。"),
        DropFrame(1, "failed"),
        *clauses(2, "抱歉。"),
        0.1,
        workers=StallingExecutor({0}),
    )
    assert spoken(passed, 2) == "抱歉。"
