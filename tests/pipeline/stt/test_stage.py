"""The recognition stage: windows in, transcripts out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pipecat.frames.frames import Frame

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES
from pipeline.events import CallFailed
from pipeline.frames import (
    CommitFrame,
    ConfigureFrame,
    SoftEndFrame,
    TakeTextFrame,
    TranscriptFrame,
    UtteranceDiscardFrame,
    UtteranceStartFrame,
    WindowFrame,
)
from pipeline.llm.base import Sampling
from pipeline.stt.stage import SttStage
from pipeline.vad.gate import VadState
from tests.fakes.driver import Passed, Step, drive
from tests.fakes.engines import FakeRecogniser, silence
from tests.fakes.speech import speak

TEXT = "我最近睡不好"
WINDOW_SECS = WINDOW_SAMPLES / INPUT_RATE_HZ


def spoken(text: str, start_sample: int = 0) -> list[Step]:
    """The windows of `text` in real time; all of them voiced."""
    samples, steps = speak(text, INPUT_RATE_HZ), list[Step]()
    for first in range(0, len(samples) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES):
        end = start_sample + first + WINDOW_SAMPLES
        state = VadState(True, None, None, end, 0.0)
        steps += [WindowFrame(samples[first : first + WINDOW_SAMPLES], end, 0.0, state)]
        steps += [WINDOW_SECS]
    return steps


def run(*steps: Step | list[Step], recogniser: FakeRecogniser | None = None) -> Passed:
    flat: list[Step] = []
    for step in steps:
        flat += step if isinstance(step, list) else [step]
    return drive(SttStage(recogniser or FakeRecogniser(), "zh"), *flat)


def finals(passed: Passed) -> list[TranscriptFrame]:
    return [frame for frame in passed.back(TranscriptFrame) if frame.generation is not None]


def partials(frames: list[Frame]) -> list[str]:
    texts = [f.text for f in frames if isinstance(f, TranscriptFrame) and f.generation is None]
    return [text for text in texts if text]


def test_words_come_while_they_are_spoken():
    """Partials grow, and go to the turn stage and to the context alike."""
    passed = run(UtteranceStartFrame("turn_1", 0), spoken(TEXT))
    assert partials(passed.up) == partials(passed.down)
    assert len(partials(passed.up)) >= 3
    assert all(TEXT.startswith(text) for text in partials(passed.up))


def test_words_before_a_silence_are_told_from_those_in_mid_speech():
    """They cover all that was voiced: a soft end may follow."""
    voiced = spoken(TEXT)
    end = 19_200 // WINDOW_SAMPLES * WINDOW_SAMPLES
    quiet: list[Step] = []
    for number in range(1, 13):
        window_end = end + number * WINDOW_SAMPLES
        state = VadState(False, None, None, end, number * WINDOW_SECS)
        quiet += [WindowFrame(silence(WINDOW_SECS), window_end, 0.0, state), WINDOW_SECS]
    heard = run(UtteranceStartFrame("turn_1", 0), voiced, quiet).all(TranscriptFrame)
    *before, last = [frame.complete for frame in heard if frame.text]
    assert not any(before)
    assert last


def test_a_soft_end_is_answered_with_everything_said():
    """Under its generation, upstream only: the context waits for the turn to be taken."""
    passed = run(
        UtteranceStartFrame("turn_1", 0), spoken(TEXT), SoftEndFrame(7, "turn_1", 19_200), 0.5
    )
    (final,) = finals(passed)
    assert (final.turn_id, final.generation, final.text) == ("turn_1", 7, TEXT)
    assert all(frame.generation is None for frame in passed.all(TranscriptFrame))


def test_a_soft_end_is_answered_while_the_caller_goes_on():
    """With the words up to it, and before what is said next has been decoded."""
    passed = run(
        UtteranceStartFrame("turn_1", 0),
        spoken(TEXT[:3]),
        SoftEndFrame(1, "turn_1", 9_216),
        spoken(TEXT[3:], start_sample=9_216),
        0.5,
        recogniser=FakeRecogniser(decode_secs=0.15),
    )
    (final,) = finals(passed)
    assert final.text == TEXT[:3]
    later = passed.up[passed.up.index(final) + 1 :]
    assert partials(later)[-1].startswith(TEXT[:5])


def test_a_turn_that_the_client_ended_gets_no_later_words():
    """Neither in its final nor in a partial, however long the decode of its end takes."""
    passed = run(
        UtteranceStartFrame("turn_1", 0),
        spoken(TEXT[:3]),
        SoftEndFrame(1, "turn_1", 9_216, closes=True),
        spoken(TEXT[3:], start_sample=9_216),
        2.0,
        recogniser=FakeRecogniser(decode_secs=1.0),
    )
    (final,) = finals(passed)
    assert final.text == TEXT[:3]
    assert set(partials(passed.up)) <= {TEXT[:length] for length in (1, 2, 3)}


@pytest.mark.parametrize("at_step", [0, 1, 30, 80])
def test_a_language_may_be_set_at_any_moment(at_step: int):
    """Before a turn or within it; no sound of it is lost, however long the call has lasted."""
    onset = 5 * INPUT_RATE_HZ
    speech = [UtteranceStartFrame("turn_1", onset), *spoken(TEXT, onset)]
    passed = run(
        WindowFrame(silence(5.0), onset, 0.0, VadState(False, None, None, 0, 0.0)),
        speech[:at_step],
        ConfigureFrame({}, Sampling(), "en", True, "polite", False),
        speech[at_step:],
        SoftEndFrame(7, "turn_1", onset + 19_200),
        0.5,
    )
    (final,) = finals(passed)
    assert final.text == TEXT


class Expecting(FakeRecogniser):
    """Hears what it is told to expect: what matters here is who tells it what."""

    def __init__(self) -> None:
        super().__init__()
        self.expected = list[str | None]()

    async def decode(self, audio, *, expected=None, **others):
        self.expected.append(expected)
        return await super().decode(audio, expected=expected, **others)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (CommitFrame(1, "turn_1"), "en"),
        (TakeTextFrame("turn_1", ""), "en"),
        (UtteranceDiscardFrame("turn_1"), "zh"),
    ],
)
def test_the_language_of_a_turn_is_expected_of_the_next(ended: Frame, expected: str):
    """The persona's is of the first; noise, or the bot's echo, changes nothing."""
    recogniser = Expecting()
    onset = 5 * INPUT_RATE_HZ
    drive(
        SttStage(recogniser, None, expected="zh"),
        UtteranceStartFrame("turn_1", 0),
        *spoken("I can't sleep at night"),
        SoftEndFrame(1, "turn_1", 9_600),
        0.5,
        ended,
        UtteranceStartFrame("turn_2", onset),
        *spoken(TEXT, onset),
        0.5,
    )
    assert recogniser.expected[0] == "zh"
    assert recogniser.expected[-1] == expected


def test_committed_text_never_shrinks_over_a_soft_end():
    """Although the decode after it hears the turn anew."""
    passed = run(
        UtteranceStartFrame("turn_1", 0),
        spoken(TEXT[:3]),
        SoftEndFrame(1, "turn_1", 9_600),
        0.5,
        spoken(TEXT[3:], start_sample=9_728),
    )
    agreed = [frame.committed for frame in passed.back(TranscriptFrame)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(agreed))


def test_a_newer_soft_end_replaces_an_older_one():
    """Only the newest is answered while the recogniser is still at work."""
    passed = run(
        UtteranceStartFrame("turn_1", 0),
        spoken(TEXT[:3]),
        SoftEndFrame(1, "turn_1", 9_600),
        SoftEndFrame(2, "turn_1", 9_600),
        2.0,
        recogniser=FakeRecogniser(decode_secs=0.5),
    )
    assert [final.generation for final in finals(passed)] == [2]


def test_a_discarded_utterance_is_heard_of_no_more():
    """Its discard stays here; a late answer belongs to nobody."""
    passed = run(
        UtteranceStartFrame("turn_1", 0),
        spoken(TEXT[:3]),
        SoftEndFrame(1, "turn_1", 9_600),
        UtteranceDiscardFrame("turn_1"),
        2.0,
        recogniser=FakeRecogniser(decode_secs=0.5),
    )
    assert finals(passed) == []
    assert passed.all(UtteranceDiscardFrame) == []


def test_a_taken_turn_ends_its_recognition_and_goes_on_downstream():
    """The commit is the context's business too."""
    passed = run(UtteranceStartFrame("turn_1", 0), spoken(TEXT), CommitFrame(1, "turn_1"), 1.0)
    assert passed.kinds()[-1] is CommitFrame


def test_a_failed_recogniser_answers_with_what_it_had():
    """Once to the client as an event, once to the turn stage as a failed transcript."""
    passed = run(
        UtteranceStartFrame("turn_1", 0),
        spoken(TEXT[:3]),
        SoftEndFrame(1, "turn_1", 9_600),
        1.0,
        recogniser=FakeRecogniser(fail=lambda: True),
    )
    (final,) = finals(passed)
    assert final.failed
    assert [failed.code for failed in passed.events(CallFailed)] == ["recognition_error"]
