"""Voices of any loudness, brought to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio import Int16Array, float_to_int16
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.levels import TARGET_LUFS
from pipeline.tts.loudness import EvenVoice, GainKeeper, integrated_lufs
from tests.pipeline.tts.speech import say, sound

RATE_HZ = 16_000
CLAUSE = SpeechStyle()


def sine(secs: float, decibels: float) -> Int16Array:
    """997 Hz at a peak of so many dBFS; as loud in LUFS, less 3."""
    at = np.arange(round(secs * RATE_HZ))
    wave = 10 ** (decibels / 20) * np.sin(2 * np.pi * 997 * at / RATE_HZ)
    return float_to_int16(wave.astype(np.float32))


class Sine:
    """A voice whose only property is its level."""

    name = "sine"
    languages: frozenset[Language] = frozenset({"en"})
    sample_rate_hz = RATE_HZ

    def __init__(self, decibels: float, secs: float = 2.5) -> None:
        self._pcm = sine(secs, decibels)

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        half = len(self._pcm) // 2
        scaled = (self._pcm * style.volume).astype(np.int16)
        yield SpeechChunk(scaled[:half], ())
        if not cancelled():
            yield SpeechChunk(scaled[half:], (CharMark(len(text), len(scaled)),))


@pytest.mark.parametrize("decibels", [-35.0, -27.0, -17.0, -8.0])
def test_the_second_clause_is_at_the_target(decibels: float):
    """However soft or loud the voice is by itself."""
    voice = EvenVoice(Sine(decibels))
    say(voice, "first")
    assert integrated_lufs(sound(say(voice, "second")), RATE_HZ) == pytest.approx(
        TARGET_LUFS, abs=0.5
    )


def test_a_softer_style_stays_softer():
    """Volume is a wish, not a fault of the voice that is evened out."""
    voice = EvenVoice(Sine(-17.0))
    for _ in range(4):
        soft = sound(say(voice, "text", SpeechStyle(volume=0.5)))
    assert integrated_lufs(soft, RATE_HZ) == pytest.approx(TARGET_LUFS - 6.0, abs=0.5)


def test_marks_and_chunks_pass_through():
    """Only the level changes."""
    raw, even = say(Sine(-17.0), "text"), say(EvenVoice(Sine(-17.0)), "text")
    assert [chunk.marks for chunk in raw] == [chunk.marks for chunk in even]
    assert [len(chunk.pcm) for chunk in raw] == [len(chunk.pcm) for chunk in even]


def test_a_clause_that_is_cut_off_counts():
    """Its first half was heard."""
    voice = EvenVoice(Sine(-40.0, secs=8.0))
    next(voice.synthesise("text", CLAUSE, lambda: True))  # abandoned, then collected
    list(voice.synthesise("text", CLAUSE, lambda: True))
    louder = sound(list(voice.synthesise("text", CLAUSE, lambda: True)))
    assert np.abs(louder).max() > 2 * np.abs(sine(1.0, -40.0)).max()


def test_short_sounds_move_the_gain_in_steps():
    """Less than two seconds of speech say little: three decibels at most."""
    keeper = GainKeeper(RATE_HZ)
    keeper.heard(sine(0.5, -40.0))
    assert keeper.gain_db == pytest.approx(3.0)


def test_silence_leaves_the_gain():
    """Nothing to measure."""
    keeper = GainKeeper(RATE_HZ)
    keeper.heard(np.zeros(RATE_HZ, np.int16))
    keeper.heard(np.zeros(0, np.int16))
    assert keeper.gain_db == 0.0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 3.0), st.floats(-60.0, 0.0)), max_size=8))
def test_the_gain_is_bounded_and_once_settled_moves_in_steps(clauses: list[tuple[float, float]]):
    """Never beyond 18 dB; after two seconds of speech never more than three at once."""
    keeper = GainKeeper(RATE_HZ)
    total_secs = 0.0
    for secs, decibels in clauses:
        before = keeper.gain_db
        keeper.heard(sine(secs, decibels))
        assert abs(keeper.gain_db) <= 18.0
        if total_secs >= 2.0:
            assert abs(keeper.gain_db - before) <= 3.0 + 1e-9
        total_secs += secs
