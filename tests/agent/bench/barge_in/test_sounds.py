"""Synthetic noises: the same in every run, and no speech."""

from __future__ import annotations

import numpy as np
import pytest

from agent.bench.barge_in.sounds import cough, keyboard

RATE_HZ = 16_000


@pytest.mark.parametrize("make", [cough, keyboard])
def test_a_number_is_always_the_same_sound(make: object) -> None:
    """Runs can be compared."""
    assert callable(make)
    assert np.array_equal(make(RATE_HZ, 3), make(RATE_HZ, 3))
    assert not np.array_equal(make(RATE_HZ, 3)[:2_000], make(RATE_HZ, 4)[:2_000])
    assert np.abs(make(RATE_HZ, 3)).max() == pytest.approx(1.0)


def test_a_cough_is_short_and_sharp() -> None:
    """It begins at once and is over within a second."""
    for number in range(8):
        sound = cough(RATE_HZ, number)
        assert len(sound) <= RATE_HZ
        assert np.abs(sound[: RATE_HZ // 50]).max() > 0.2


def test_typing_is_clicks_with_silence_between() -> None:
    """Most of a second of typing is quiet."""
    sound = np.abs(keyboard(RATE_HZ, 0))
    assert np.mean(sound < 0.05) > 0.6
