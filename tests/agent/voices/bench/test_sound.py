"""Loudness, clicks and pitch of samples whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.voices.bench.sound import (
    Joins,
    ending_semitones,
    measure_joins,
    measure_level,
    pitch_contour,
    together,
)
from pipeline.audio import FloatArray, Int16Array, float_to_int16
from pipeline.tts.loudness import integrated_lufs

RATE_HZ = 24_000


def tone(pitches_hz: list[float], secs: float, size: float = 0.3) -> FloatArray:
    """A buzz with ten harmonics that glides through `pitches_hz`."""
    count = round(secs * RATE_HZ)
    pitch = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(pitches_hz)), pitches_hz)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    buzz = sum(np.sin(number * phase) / number for number in range(1, 11))
    return (size * buzz / np.abs(buzz).max()).astype(np.float32)


def sine(secs: float, size: float) -> Int16Array:
    """997 Hz, the tone of EBU Tech 3341."""
    at = np.arange(round(secs * RATE_HZ)) / RATE_HZ
    return float_to_int16((size * np.sin(2 * np.pi * 997 * at)).astype(np.float32))


def test_a_tone_of_known_level_has_its_loudness():
    """A 997 Hz sine of -20 dBFS on one channel is -23 LUFS, by ITU-R BS.1770."""
    assert integrated_lufs(sine(3.0, 0.1), RATE_HZ) == pytest.approx(-23.0, abs=0.2)


@pytest.mark.parametrize("pcm", [np.zeros(0, np.int16), sine(0.3, 0.5), np.zeros(48_000, np.int16)])
def test_what_is_short_or_silent_has_no_loudness(pcm: Int16Array):
    """The standard's shortest block is 0.4 s."""
    assert integrated_lufs(pcm, RATE_HZ) is None


def test_level_counts_clipping_and_names_the_extremes():
    """Neighbours at full scale are clipped, a lone one is a peak."""
    clipped = np.array([0, 32_767, 32_767, 32_767, 0, -32_767, 0], np.int16)
    level = measure_level([sine(1.0, 0.1), sine(1.0, 0.2), clipped], RATE_HZ)
    assert level.clipped_samples == 2
    assert level.peak_dbfs == pytest.approx(0.0, abs=0.01)
    assert (level.softest_lufs, level.loudest_lufs) == (-23.0, -17.0)


def test_nothing_said_has_no_level():
    """A voice that failed on everything is reported, not measured."""
    level = measure_level([], RATE_HZ)
    assert (level.lufs, level.softest_lufs, level.clipped_samples) == (None, None, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 23_999))
def test_cutting_speech_makes_no_click(at: int):
    """Wherever a smooth signal is cut, its join is like its surroundings."""
    assert measure_joins(float_to_int16(tone([120, 180], 1.0)), [at], RATE_HZ).clicks == 0


def test_a_jump_at_a_join_clicks():
    """The same signal with a step of a tenth of full scale from the join on."""
    pcm = float_to_int16(tone([120, 180], 1.0))
    pcm[12_000:] += 6_000
    assert measure_joins(pcm, [6_000, 12_000], RATE_HZ).clicks == 1


def test_noise_under_the_threshold_is_no_click():
    """A step nobody hears, in silence."""
    pcm = np.zeros(1_000, np.int16)
    pcm[500:] = 60
    assert measure_joins(pcm, [500], RATE_HZ).clicks == 0


def test_joins_outside_the_sound_are_passed_over():
    """Empty chunks put joins at the very ends."""
    assert measure_joins(np.zeros(10, np.int16), [0, 10], RATE_HZ) == Joins(0, 0, 0.0)


def test_joins_add_up():
    """Counts are summed, the worst is kept."""
    assert together([Joins(3, 1, 2.0), Joins(2, 0, 0.5)]) == Joins(5, 1, 2.0)
    assert together([]) == Joins(0, 0, 0.0)


@pytest.mark.parametrize("pitch_hz", [85.0, 120.0, 210.0, 330.0, 480.0])
def test_pitch_of_a_steady_buzz(pitch_hz: float):
    """Within three percent, at every voice's height, and never an octave off."""
    contour = pitch_contour(tone([pitch_hz, pitch_hz], 0.5), RATE_HZ)
    assert np.nanmedian(contour) == pytest.approx(pitch_hz, rel=0.03)


def test_noise_and_silence_have_no_pitch():
    """They are not voiced."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert np.isnan(pitch_contour(noise, RATE_HZ)).mean() > 0.9
    assert np.isnan(pitch_contour(np.zeros(RATE_HZ, np.float32), RATE_HZ)).all()


@pytest.mark.parametrize(("last_hz", "semitones"), [(200.0, 12.0), (50.0 * 2**0.5, -6.0)])
def test_the_ending_is_compared_with_the_whole(last_hz: float, semitones: float):
    """A sentence at 100 Hz whose end lies an octave higher, or half an octave lower."""
    said = np.concatenate((tone([100, 100], 1.0), tone([last_hz + 5, last_hz + 5], 0.25)))
    rise = ending_semitones(float_to_int16(said), RATE_HZ)
    assert rise is not None
    assert rise == pytest.approx(semitones, abs=1.5)


def test_silence_has_no_ending():
    """Nothing voiced, nothing to compare."""
    assert ending_semitones(np.zeros(RATE_HZ, np.int16), RATE_HZ) is None
