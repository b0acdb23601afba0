"""Estimated marks: where they stand, and how the pace is learned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.tts.normalise import normalise
from pipeline.tts.proportional import SpeakingPace, estimated_marks, syllables
from tests.pipeline.tts.speech import ODD_TEXTS


def test_every_character_takes_its_time():
    """The last is left to the end of the sound."""
    found = estimated_marks(normalise("我懂你。", "zh"), 0.2)
    assert [(mark.chars, mark.samples) for mark in found] == [(1, 4800), (2, 9600)]


def test_a_number_is_heard_when_all_of_it_is_said():
    """25 is three syllables, the full stop none."""
    found = estimated_marks(normalise("有25岁。", "zh"), 0.2)
    assert [mark.chars for mark in found] == [1, 1, 1, 3]
    assert found[-1].samples == 4 * 4800


def test_longer_words_take_longer():
    """Three letters are about a syllable."""
    found = estimated_marks(normalise("I understand you", "en"), 0.3)
    assert found[0].samples == round(0.3 * OUTPUT_RATE_HZ)
    assert found[1].samples - found[0].samples == pytest.approx(0.3 * 10 / 3 * 24_000, abs=1)


@given(text=ODD_TEXTS, secs=st.floats(0.05, 0.7))
def test_marks_never_fall(text: str, secs: float):
    """And never leave the text."""
    for language in ("zh", "en"):
        last = (0, 0)
        for mark in estimated_marks(normalise(text, language), secs):
            assert last[0] <= mark.chars <= len(text)
            assert last[1] <= mark.samples
            last = (mark.chars, mark.samples)


def test_the_pace_is_learned_in_a_few_clauses():
    """A slow voice, within five per cent after ten."""
    pace = SpeakingPace()
    for _ in range(10):
        pace.learn(10, 3.5)
    assert pace.secs_per_syllable == pytest.approx(0.35, rel=0.05)


def test_short_clauses_and_nonsense_teach_little():
    """A 嗯 with its silence, a minute of noise."""
    pace = SpeakingPace()
    before = pace.secs_per_syllable
    pace.learn(1, 1.0)
    assert pace.secs_per_syllable == before
    for _ in range(50):
        pace.learn(10, 600.0)
    assert pace.secs_per_syllable <= 0.6
    assert syllables("……") == 0
