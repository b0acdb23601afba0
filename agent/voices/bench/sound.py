"""What can be measured on a voice's samples. Pure.

Loudness is EBU R 128 (`pipeline.tts.loudness`); pitch is found by autocorrelation here,
enough for the end of a clean sentence: Praat's library is under the GPL, and librosa
brings 40 MB of dependencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio import FULL_SCALE, FloatArray, Int16Array, int16_to_float
from pipeline.tts.loudness import integrated_lufs

# A join clicks when its step is half as large again as the largest step within 10 ms of it.
# Speech cut anywhere and joined again stays under 1.0 but for chance.
CLICK_RATIO = 1.5
_AROUND_SECS = 0.01
_INAUDIBLE_STEP = 66  # of int16, -54 dBFS: the voices' own noise

_PITCH_HZ = (75.0, 500.0)  # of speaking men, women and children
_FRAME_SECS, _HOP_SECS = 0.04, 0.01
_VOICED_CORRELATION = 0.5
_VOICED_LEVEL = 0.05  # of the loudest frame's amplitude, -26 dB
# Nobody speaks so far under their own middle: it is creak, or an octave misjudged.
_CREAK_SEMITONES = 9.0
_ENDING_FRAMES = 12  # 0.12 s of voiced sound, most of the last syllable


@dataclass(frozen=True, slots=True)
class Level:
    """Loudness of everything a voice said.

    Attributes:
        lufs: Integrated over all sentences together; None under 0.4 s of sound.
        softest_lufs, loudest_lufs: Of single sentences.
        peak_dbfs: Of the largest sample.
        clipped_samples: Samples at full scale beside another one.
    """

    lufs: float | None
    softest_lufs: float | None
    loudest_lufs: float | None
    peak_dbfs: float
    clipped_samples: int


@dataclass(frozen=True, slots=True)
class Joins:
    """Where chunks meet.

    Attributes:
        joins: How many were looked at.
        clicks: Joins whose step stands out.
        worst_ratio: Largest step at a join over the largest step around it.
    """

    joins: int
    clicks: int
    worst_ratio: float


def measure_level(sentences: Sequence[Int16Array], rate_hz: int) -> Level:
    """Loudness of a voice's sentences, each int16, shape (n_samples,), mono."""
    whole = np.concatenate([np.zeros(0, np.int16), *sentences])
    each = [value for pcm in sentences if (value := _lufs(pcm, rate_hz)) is not None]
    size = np.abs(whole.astype(np.int32))
    peak = int(size.max()) if len(size) else 0
    full = size >= FULL_SCALE - 1
    return Level(
        _lufs(whole, rate_hz),
        min(each, default=None),
        max(each, default=None),
        round(20.0 * float(np.log10(max(peak, 1) / FULL_SCALE)), 1),
        int(np.count_nonzero(full[1:] & full[:-1])),
    )


def _lufs(pcm: Int16Array, rate_hz: int) -> float | None:
    measured = integrated_lufs(pcm, rate_hz)
    return None if measured is None else round(measured, 1)


def measure_joins(pcm: Int16Array, joins: Sequence[int], rate_hz: int) -> Joins:
    """Look for clicks where chunks meet.

    Args:
        pcm: int16, shape (n_samples,).
        joins: Index of the first sample of each chunk but the first one.
        rate_hz: Of `pcm`.
    """
    steps = np.abs(np.diff(pcm.astype(np.int32)))
    reach = round(_AROUND_SECS * rate_hz)
    ratios = []
    for join in joins:
        if not 0 < join < len(pcm):
            continue
        at = join - 1
        around = np.concatenate((steps[max(0, at - reach) : at], steps[at + 1 : at + 1 + reach]))
        largest = max(int(around.max(initial=0)), _INAUDIBLE_STEP)
        ratios.append(float(steps[at]) / largest)
    clicks = sum(ratio > CLICK_RATIO for ratio in ratios)
    return Joins(len(ratios), clicks, max(ratios, default=0.0))


def together(joins: Iterable[Joins]) -> Joins:
    """Several measurements as one."""
    found = [Joins(0, 0, 0.0), *joins]
    return Joins(
        sum(one.joins for one in found),
        sum(one.clicks for one in found),
        round(max(one.worst_ratio for one in found), 2),
    )


def ending_semitones(pcm: Int16Array, rate_hz: int) -> float | None:
    """How far the pitch at the end lies over the sentence's own median; None without a voice."""
    pitches = pitch_contour(int16_to_float(pcm), rate_hz)
    voiced = pitches[~np.isnan(pitches)]
    if len(voiced) < 2 * _ENDING_FRAMES:
        return None
    above = 12.0 * np.log2(voiced / np.median(voiced))
    melody = above[above > -_CREAK_SEMITONES]
    return float(np.median(melody[-_ENDING_FRAMES:]))


def pitch_contour(samples: FloatArray, rate_hz: int) -> npt.NDArray[np.float64]:
    """Fundamental frequency in Hz every 10 ms, NaN where the sound is not voiced.

    Args:
        samples: float32, shape (n_samples,).
        rate_hz: Of `samples`.
    """
    frame, hop = round(_FRAME_SECS * rate_hz), round(_HOP_SECS * rate_hz)
    if len(samples) < frame:
        return np.zeros(0)
    starts = range(0, len(samples) - frame + 1, hop)
    frames = np.stack([samples[start : start + frame] for start in starts]).astype(np.float64)
    frames -= frames.mean(axis=1, keepdims=True)
    level = np.sqrt(np.square(frames).mean(axis=1))
    spectrum = np.fft.rfft(frames, 2 * frame, axis=1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :frame]
    # Fewer samples overlap at longer lags; without this the pitch would be found too high.
    correlation *= frame / (frame - np.arange(frame))
    correlation /= np.maximum(correlation[:, :1], 1e-12)
    shortest, longest = (round(rate_hz / limit) for limit in reversed(_PITCH_HZ))
    lags = correlation[:, shortest : longest + 1]
    # The first lag almost as good as the best: a multiple of the period is as good, but lower.
    good = lags >= 0.9 * lags.max(axis=1, keepdims=True)
    lag = good.argmax(axis=1)
    while True:  # climb from the edge of the hump to its top
        ahead = np.minimum(lag + 1, lags.shape[1] - 1)
        rows = np.arange(len(lags))
        better = lags[rows, ahead] > lags[rows, lag]
        if not better.any():
            break
        lag = np.where(better, ahead, lag)
    voiced = (lags[np.arange(len(lags)), lag] >= _VOICED_CORRELATION) & (
        level >= _VOICED_LEVEL * level.max()
    )
    return np.where(voiced, rate_hz / (lag + shortest), np.nan)
