"""PCM conversions and levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import float_to_int16, int16_to_float, level_dbfs, pcm_to_int16
from pipeline.errors import AudioFormatError

SAMPLES = st.lists(st.integers(-32_768, 32_767), max_size=50).map(
    lambda values: np.array(values, dtype=np.int16)
)


@given(SAMPLES)
def test_pcm_bytes_round_trip(samples: np.ndarray) -> None:
    """Little-endian bytes give back the samples they were made of."""
    assert np.array_equal(pcm_to_int16(samples.astype("<i2").tobytes()), samples)


def test_odd_byte_counts_are_refused() -> None:
    """Half a sample is an error, not noise."""
    with pytest.raises(AudioFormatError, match="got 3"):
        pcm_to_int16(b"abc")


@given(SAMPLES)
def test_float_samples_stay_in_range_and_return(samples: np.ndarray) -> None:
    """Floats lie in [-1, 1) and come back within one step."""
    floats = int16_to_float(samples)
    assert floats.dtype == np.float32
    assert np.all((floats >= -1.0) & (floats < 1.0))
    back = float_to_int16(floats).astype(np.int32)
    assert np.all(np.abs(back - samples.astype(np.int32)) <= 1)


def test_floats_beyond_full_scale_are_clipped() -> None:
    """Overdriven samples never wrap around."""
    loud = np.array([-3.0, 3.0], dtype=np.float32)
    assert float_to_int16(loud).tolist() == [-32_767, 32_767]


@pytest.mark.parametrize(
    ("samples", "level"),
    [([], -120.0), ([0, 0], -120.0), ([-32_768] * 4, 0.0), ([3277, -3277], -20.0)],
)
def test_level_dbfs(samples: list[int], level: float) -> None:
    """Root mean square against full scale, with a floor for silence."""
    assert level_dbfs(np.array(samples, dtype=np.int16)) == pytest.approx(level, abs=0.01)
