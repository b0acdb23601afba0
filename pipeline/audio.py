"""Rates, array types and the few conversions between them that every stage shares."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.errors import AudioFormatError

Int16Array: TypeAlias = npt.NDArray[np.int16]
FloatArray: TypeAlias = npt.NDArray[np.float32]

INPUT_RATE_HZ = 16_000  # what Silero, Whisper and smart-turn expect
OUTPUT_RATE_HZ = 24_000  # what both embedded voices produce and the Realtime protocol plays
WINDOW_SAMPLES = 512  # the only window Silero accepts at 16 kHz
WINDOW_SECS = WINDOW_SAMPLES / INPUT_RATE_HZ  # 0.032
SAMPLE_BYTES = 2  # PCM16
FULL_SCALE = 32_768.0


def pcm_to_int16(pcm: bytes) -> Int16Array:
    """Little-endian PCM16 mono bytes as int16, shape (n_samples,).

    Raises:
        AudioFormatError: An odd number of bytes.
    """
    if len(pcm) % SAMPLE_BYTES:
        raise AudioFormatError(f"PCM16 audio must have an even number of bytes, got {len(pcm)}")
    return np.frombuffer(pcm, dtype="<i2").astype(np.int16, copy=False)


def int16_to_float(samples: Int16Array) -> FloatArray:
    """int16 as float32 in [-1, 1)."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def float_to_int16(samples: FloatArray) -> Int16Array:
    """float32 as int16; values outside [-1, 1] are clipped."""
    scaled: FloatArray = np.clip(samples, -1.0, 1.0) * np.float32(FULL_SCALE - 1)
    return np.rint(scaled).astype(np.int16)


def level_dbfs(samples: Int16Array) -> float:
    """Root-mean-square level in dB of full scale; -120.0 for silence or no samples."""
    if not len(samples):
        return -120.0
    power = float(np.mean(np.square(samples.astype(np.float64)))) / FULL_SCALE**2
    return max(-120.0, 10.0 * float(np.log10(power))) if power > 0 else -120.0
