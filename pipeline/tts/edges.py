"""Trim the silence before and after a phrase while it streams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.tts.base import CharMark
from pipeline.tts.chunks import Piece

# What is quieter is silence. Both embedded voices fall to under -70 dBFS between words;
# their softest consonants peak above -45.
_SILENCE_PEAK = 104  # -50 dBFS in int16
LEAD_SAMPLES = OUTPUT_RATE_HZ // 50  # 20 ms kept in front: soft onsets start below the threshold
TAIL_SAMPLES = OUTPUT_RATE_HZ // 25  # 40 ms kept behind: the decay of the last vowel


class EdgeTrimmer:
    """Passes a phrase through without its leading and trailing silence.

    Silence inside is kept: it is held back only until sound follows. Any cutting of the
    phrase into pieces gives the same samples and marks.

    Args:
        volume: Gain of the phrase: a soft voice has a softer silence.
    """

    def __init__(self, volume: float = 1.0) -> None:
        self._silence_peak = _SILENCE_PEAK * min(1.0, volume)
        self._held = np.zeros(0, np.int16)
        self._marks: list[CharMark] = []  # of what is still held
        self._started = False
        self._dropped = 0  # samples taken away in front
        self._passed = 0

    @property
    def passed_samples(self) -> int:
        """Samples given out so far."""
        return self._passed

    def push(self, pcm: Int16Array, marks: Sequence[CharMark]) -> Piece:
        """Take the next piece; give out what is certain to be heard, with its marks."""
        self._marks.extend(marks)
        pending = np.concatenate((self._held, pcm))
        loud = np.flatnonzero(np.abs(pending.astype(np.int32)) > self._silence_peak)
        if not self._started:
            onset = int(loud[0]) if len(loud) else len(pending)
            cut = max(0, onset - LEAD_SAMPLES)
            self._dropped += cut
            pending, loud = pending[cut:], loud - cut
            self._started = len(loud) > 0
        certain = int(loud[-1]) + 1 if len(loud) else 0
        self._held = pending[certain:]
        self._passed += certain
        reached = self._dropped + self._passed if self._started else -1
        done = [mark for mark in self._marks if mark.samples <= reached]
        self._marks = self._marks[len(done) :]
        return pending[:certain], [self._shifted(mark) for mark in done]

    def finish(self) -> Piece:
        """The decay behind the last sound, and the marks that lay in the silence after it."""
        tail = self._held[: TAIL_SAMPLES if self._started else 0]
        self._passed += len(tail)
        return tail, [self._shifted(mark) for mark in self._marks]

    def _shifted(self, mark: CharMark) -> CharMark:
        return CharMark(mark.chars, min(self._passed, max(0, mark.samples - self._dropped)))
