"""Rooms: what the microphone hears besides the caller. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.caller_clip import Clip
from pipeline.audio import FULL_SCALE, FloatArray, Int16Array, float_to_int16

LOOP_SECS = 20.0  # the room repeats itself after this long
# A microphone in a quiet room still hisses; digital silence would be unfairly easy to hear.
QUIET_ROOM_DBFS = -65.0
_SEED = 20261121


def white(rate_hz: int, level_dbfs: float) -> Int16Array:
    """White noise of a given level: int16, shape (LOOP_SECS * rate_hz,), always the same."""
    noise = np.random.default_rng(_SEED).standard_normal(round(LOOP_SECS * rate_hz))
    return at_level(noise.astype(np.float32), level_dbfs)


def babble(voices: Sequence[Int16Array], rate_hz: int, level_dbfs: float) -> Int16Array:
    """Several people talking at once: int16, shape (LOOP_SECS * rate_hz,).

    Args:
        voices: int16, shape (n_samples,), mono; each talks over and over, from a place of
            its own on.
        rate_hz: Of the voices.
        level_dbfs: RMS level of the result.
    """
    length = round(LOOP_SECS * rate_hz)
    mixed = np.zeros(length, dtype=np.float32)
    for number, voice in enumerate(voices):
        start = number * length // len(voices)
        mixed += np.roll(np.resize(voice, length), start).astype(np.float32)
    return at_level(mixed, level_dbfs)


def at_level(sound: FloatArray, level_dbfs: float) -> Int16Array:
    """A sound scaled to an RMS level; peaks beyond full scale are clipped."""
    rms = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    wanted = 10.0 ** (level_dbfs / 20.0)
    return float_to_int16((sound * np.float32(wanted / max(rms, 1e-9))).astype(np.float32))


def speech_level_dbfs(clips: Sequence[Clip]) -> float:
    """RMS level of what is spoken in some clips, their pauses left out."""
    window_power = []
    for clip in clips:
        window = clip.rate_hz // 100
        whole = clip.samples[: len(clip.samples) // window * window].astype(np.float64)
        power = np.square(whole.reshape(-1, window) / FULL_SCALE).mean(axis=1)
        window_power.append(power[power >= 10.0 ** (clip.speech_level_dbfs / 10.0)])
    return float(10.0 * np.log10(np.concatenate(window_power).mean()))
