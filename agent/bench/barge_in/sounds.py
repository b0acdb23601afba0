"""Coughs and keyboards, made the same way in every run. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.audio import FloatArray

_SEED = 20261121


def cough(rate_hz: int, number: int) -> FloatArray:
    """One or two bursts of breath, each with a sharp start and a hoarse tail.

    Args:
        rate_hz: Sampling rate.
        number: Each number is another cough; even ones are double.

    Returns:
        float32, shape (n_samples,), peak 1.0, 0.3 to 0.8 s.
    """
    rng = np.random.default_rng((_SEED, 1, number))
    bursts = []
    for _ in range(1 + (number % 2 == 0)):
        length = round(rng.uniform(0.22, 0.34) * rate_hz)
        t = np.arange(length) / rate_hz
        breath = _band(rng.standard_normal(length), rate_hz, 300.0, rng.uniform(2500, 4500))
        # The glottis closes at the end of a cough: a low, irregular hum under the breath.
        pitch_hz = rng.uniform(110, 180)
        hum = np.sin(2 * np.pi * pitch_hz * t + 2.0 * np.sin(2 * np.pi * 23.0 * t))
        loudness = np.minimum(1.0, t / 0.008) * np.exp(-t / rng.uniform(0.06, 0.1))
        bursts += [(breath + 0.4 * hum * np.exp(-((t - 0.12) ** 2) / 0.004)) * loudness]
        bursts += [np.zeros(round(rng.uniform(0.04, 0.12) * rate_hz))]
    return _normalised(np.concatenate(bursts))


def keyboard(rate_hz: int, number: int) -> FloatArray:
    """A burst of typing: float32, shape (n_samples,), peak 1.0, about 1.5 s."""
    rng = np.random.default_rng((_SEED, 2, number))
    sound = np.zeros(round(1.6 * rate_hz))
    at_secs = 0.02
    while at_secs < 1.5:
        for offset_secs, strength in ((0.0, 1.0), (rng.uniform(0.06, 0.1), 0.4)):  # down, up
            length = round(0.03 * rate_hz)
            t = np.arange(length) / rate_hz
            click = rng.standard_normal(length) * np.exp(-t / 0.003)
            thock = np.sin(2 * np.pi * rng.uniform(180, 320) * t) * np.exp(-t / 0.008)
            begin = round((at_secs + offset_secs) * rate_hz)
            part = sound[begin : begin + length]
            part += (strength * rng.uniform(0.6, 1.0) * (click + 0.5 * thock))[: len(part)]
        at_secs += rng.uniform(0.09, 0.26)
    return _normalised(_band(sound, rate_hz, 150.0, 7000.0))


def _band(
    sound: npt.NDArray[np.float64], rate_hz: int, low_hz: float, high_hz: float
) -> npt.NDArray[np.float64]:
    spectrum = np.fft.rfft(sound)
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate_hz)
    spectrum[(frequencies < low_hz) | (frequencies > high_hz)] = 0.0
    filtered: npt.NDArray[np.float64] = np.fft.irfft(spectrum, len(sound))
    return filtered


def _normalised(sound: npt.NDArray[np.float64]) -> FloatArray:
    normalised: FloatArray = (sound / np.abs(sound).max()).astype(np.float32)
    return normalised
