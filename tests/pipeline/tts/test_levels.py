"""Gain without clipping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.levels import amplitude, shape

SAMPLES = st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=50)


def test_amplitude():
    """6.02 dB double, 0 dB leaves."""
    assert amplitude(6.0206) == pytest.approx(2.0, rel=1e-4)
    assert amplitude(0.0) == 1.0


def test_quiet_samples_are_only_scaled():
    """Below the knee the gain is exact."""
    assert shape(np.array([0.25, -0.25], np.float32), 2.0).tolist() == [16384, -16384]


@given(SAMPLES, st.floats(0.0, 8.0))
def test_order_is_kept_and_nothing_wraps(samples: list[float], gain: float):
    """A larger sample never comes out smaller, whatever the gain."""
    ordered = np.sort(np.array(samples, np.float32))
    assert np.all(np.diff(shape(ordered, gain).astype(np.int32)) >= 0)


@given(SAMPLES, st.integers(0, 50))
def test_pieces_join_as_the_whole(samples: list[float], cut: int):
    """Each sample is treated on its own."""
    audio = np.array(samples, np.float32)
    pieces = np.concatenate((shape(audio[:cut], 1.7), shape(audio[cut:], 1.7)))
    assert np.array_equal(pieces, shape(audio, 1.7))
