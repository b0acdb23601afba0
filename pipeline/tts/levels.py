"""Loudness: every voice sounds equally loud, and none clips.

A voice's gain is a constant, measured once over its own speech, and not computed per
clause: a clause would otherwise be louder for being shorter, and the first chunk would
have to wait for the last.
"""

from __future__ import annotations

import numpy as np

from pipeline.audio import FloatArray, Int16Array, float_to_int16

# Integrated loudness (ITU-R BS.1770-4, as EBU R 128) all voices are brought to. Speech for
# headphones and small speakers; 3 LU above the broadcast target of -23, so that the peaks
# of both voices stay under the knee below.
TARGET_LUFS = -20.0

_KNEE = 0.75  # below it samples pass unchanged, above it they bend towards full scale


def amplitude(decibels: float) -> float:
    """The linear factor of a gain in decibels."""
    return float(10.0 ** (decibels / 20.0))


def shape(samples: FloatArray, gain: float) -> Int16Array:
    """Apply a linear gain and round to int16; peaks bend instead of clipping.

    Each sample is treated on its own, so pieces of a signal shaped one by one join as the
    whole would.

    Args:
        samples: float32, shape (n_samples,).
        gain: Linear factor.
    """
    scaled = samples * np.float32(gain)
    size = np.abs(scaled)
    room = np.float32(1.0 - _KNEE)
    bent = np.float32(_KNEE) + room * np.tanh((size - np.float32(_KNEE)) / room)
    return float_to_int16(np.where(size > _KNEE, np.copysign(bent, scaled), scaled))
