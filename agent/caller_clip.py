"""What a scripted caller says: a clip, and where in it the voice begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.clips import read_clip
from pipeline.audio import FULL_SCALE, Int16Array, float_to_int16

LEVEL_WINDOW_SECS = 0.01
# From the loudest vowel to the last audible sound of a word; the rooms of the test clips lie
# 27 dB and more below their loudest vowel.
AUDIBLE_RANGE_DB = 25.0
FAINTEST_DBFS = -90.0  # one step of PCM16: below that there is nothing


@dataclass(frozen=True, slots=True)
class Clip:
    """One thing to say.

    Attributes:
        name: For reports.
        samples: int16, shape (n_samples,), mono, at `rate_hz`.
        rate_hz: Rate at which it goes over the wire.
        speech_level_dbfs: A 10 ms window at least this loud counts as speech.
        speech_start: First sample of the first such window.
        speech_end: One past the last sample of the last such window.
    """

    name: str
    samples: Int16Array
    rate_hz: int
    speech_level_dbfs: float
    speech_start: int
    speech_end: int


def clip_of(
    samples: Int16Array, rate_hz: int, *, name: str = "clip", speech_level_dbfs: float | None = None
) -> Clip:
    """A clip from samples in memory.

    Args:
        samples: int16, shape (n_samples,), mono.
        rate_hz: Their rate.
        name: For reports.
        speech_level_dbfs: Level of a 10 ms window that counts as speech; None takes 25 dB
            below the loudest window.
    """
    window = round(LEVEL_WINDOW_SECS * rate_hz)
    levels = window_levels_dbfs(samples, window)
    level = speech_level_dbfs
    if level is None:
        loudest = float(levels.max()) if len(levels) else FAINTEST_DBFS
        level = max(FAINTEST_DBFS, loudest - AUDIBLE_RANGE_DB)
    loud = np.flatnonzero(levels >= level)
    start = int(loud[0]) * window if len(loud) else 0
    end = min(len(samples), (int(loud[-1]) + 1) * window) if len(loud) else len(samples)
    return Clip(name, samples, rate_hz, level, start, end)


def load_clip(path: Path, rate_hz: int, *, speech_level_dbfs: float | None = None) -> Clip:
    """A clip from any audio file that libsndfile reads, made mono and resampled.

    Raises:
        AudioFormatError: Not there, no audio file, or empty.
    """
    samples = float_to_int16(read_clip(path, rate_hz))
    return clip_of(samples, rate_hz, name=path.name, speech_level_dbfs=speech_level_dbfs)


def window_levels_dbfs(samples: Int16Array, window_samples: int) -> npt.NDArray[np.float64]:
    """RMS level of each window: float64, shape (n_windows,); the last is filled with silence."""
    padding = -len(samples) % window_samples
    windows = np.pad(samples.astype(np.float64), (0, padding)).reshape(-1, window_samples)
    power = np.square(windows / FULL_SCALE).mean(axis=1)
    levels: npt.NDArray[np.float64] = 10.0 * np.log10(np.maximum(power, 1e-12))
    return levels
