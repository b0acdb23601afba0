"""Makes a voice speak, with a stopwatch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.voices.bench.record import Timing
from pipeline.audio import Int16Array
from pipeline.errors import SynthesisError
from pipeline.tts.base import SpeechStyle, Voice


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence as a voice said it.

    Attributes:
        text: The sentence.
        pcm: int16, shape (n_samples,), mono, at the voice's rate.
        joins: Index of the first sample of each chunk but the first.
        first_audio_secs: From the call to the first samples.
        total_secs: From the call to the last ones.
    """

    text: str
    pcm: Int16Array
    joins: tuple[int, ...]
    first_audio_secs: float
    total_secs: float


def speak(voice: Voice, text: str, clock: Callable[[], float] = time.perf_counter) -> Spoken:
    """Say one sentence in the voice's own way.

    Raises:
        SynthesisError: The voice failed, or made no sound of a sentence.
    """
    began_at = clock()
    first_audio_at = None
    chunks: list[Int16Array] = []
    for chunk in voice.synthesise(text, SpeechStyle(), lambda: False):
        if first_audio_at is None and len(chunk.pcm):
            first_audio_at = clock()
        chunks.append(chunk.pcm)
    ended_at = clock()
    if first_audio_at is None:
        raise SynthesisError("The voice made no sound.")
    joins = np.cumsum([len(pcm) for pcm in chunks])[:-1]
    return Spoken(
        text,
        np.concatenate(chunks),
        tuple(int(join) for join in joins),
        first_audio_at - began_at,
        ended_at - began_at,
    )


def timing(spoken: Sequence[Spoken], threads: int, rate_hz: int) -> Timing:
    """The figures of a pass; `spoken` is not empty."""
    first_ms = [1000.0 * one.first_audio_secs for one in spoken]
    factors = [one.total_secs / (len(one.pcm) / rate_hz) for one in spoken]
    return Timing(
        threads,
        len(spoken),
        *(round(float(value), 1) for value in np.percentile(first_ms, (50, 95))),
        *(round(float(value), 4) for value in np.percentile(factors, (50, 95))),
    )
