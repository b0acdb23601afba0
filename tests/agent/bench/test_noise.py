"""Rooms."""

import numpy as np
import pytest

from agent.bench.noise import LOOP_SECS, babble, speech_level_dbfs, white
from agent.caller_clip import clip_of
from pipeline.audio import level_dbfs

RATE_HZ = 24_000


def tone(secs, amplitude=8_000):
    phase = 2 * np.pi * 300 * np.arange(round(secs * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(phase)).astype(np.int16)


@pytest.mark.parametrize("wanted_dbfs", [-65.0, -40.0, -25.0])
def test_noise_has_the_level_asked_for(wanted_dbfs):
    """Both kinds, within the rounding of PCM16."""
    noise = white(RATE_HZ, wanted_dbfs)
    assert len(noise) == LOOP_SECS * RATE_HZ
    assert level_dbfs(noise) == pytest.approx(wanted_dbfs, abs=0.1)
    voices = [tone(1.0), tone(0.7, 500)]
    assert level_dbfs(babble(voices, RATE_HZ, wanted_dbfs)) == pytest.approx(wanted_dbfs, abs=0.1)


def test_noise_is_always_the_same():
    """A run can be repeated."""
    assert np.array_equal(white(RATE_HZ, -40.0), white(RATE_HZ, -40.0))


def test_babble_never_pauses():
    """Short voices talk over and over."""
    mixed = babble([tone(0.5), tone(0.3)], RATE_HZ, -30.0)
    seconds = mixed.reshape(-1, RATE_HZ // 2)
    assert min(level_dbfs(second) for second in seconds) > -36.0


def test_the_level_of_speech_leaves_pauses_out():
    """Silence around and inside a clip changes nothing."""
    silence = np.zeros(RATE_HZ, np.int16)
    spoken = speech_level_dbfs([clip_of(tone(1.0), RATE_HZ)])
    paused = clip_of(np.concatenate([tone(0.5), silence, tone(0.5)]), RATE_HZ)
    assert speech_level_dbfs([paused]) == pytest.approx(spoken, abs=0.1)
    assert spoken == pytest.approx(level_dbfs(tone(1.0)), abs=0.1)
