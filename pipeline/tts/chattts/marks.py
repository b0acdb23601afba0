"""Which characters have been heard, of a voice that does not tell its durations.

ChatTTS says neither how long a text will last nor where in it a word lies. While a clause
streams, its characters are spread over the time that the voice has needed so far for a
syllable; once the length is known, what is left is spread over what is left:

    weight (syllables) ^              ,●  end: exact
                       |          ,-'
                       |  .---◦--'   known length: the rest is spread evenly
                       | /  ↑ held: the last unit is not heard before the end is known
                       |/   estimate
                       +---------------▶ samples
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.tts.base import CharMark
from pipeline.tts.chattts.prompt import SpokenEnd


class ProportionalMarks:
    """Character marks of one clause while its audio arrives.

    Args:
        ends: Ends of its units; neither weight nor characters ever fall.
        samples_per_syllable: The estimate to begin with, more than 0.
    """

    def __init__(self, ends: Sequence[SpokenEnd], samples_per_syllable: float) -> None:
        self._ends = tuple(ends)
        self._samples_per_syllable = samples_per_syllable
        self._weight = 0.0  # heard so far
        self._samples = 0
        self._next = 0

    def advance(self, samples: int, left: int | None) -> list[CharMark]:
        """The marks within the next piece of audio.

        Args:
            samples: Length of the piece.
            left: Samples still to come, this piece included; None while unknown.

        Returns:
            Marks in order, none outside the piece. While the length is unknown the last
            unit gets none; the piece that ends the audio brings all that are missing.
        """
        began, self._samples = self._samples, self._samples + samples
        if not self._ends or samples <= 0:
            return []
        total = self._ends[-1].weight
        if left is None:
            known = self._ends[:-1]
            ceiling = known[-1].weight if known else 0.0
            per_sample = 1.0 / self._samples_per_syllable
        else:
            known, ceiling = self._ends, total
            per_sample = (total - self._weight) / max(left, samples)
        before = self._weight
        self._weight = max(before, min(ceiling, before + samples * per_sample))
        if left is not None and left <= samples:
            self._weight = total
        marks: list[CharMark] = []
        while self._next < len(known) and known[self._next].weight <= self._weight:
            end = known[self._next]
            at = round((end.weight - before) / per_sample) if per_sample > 0 else 0
            marks.append(CharMark(end.chars, began + min(samples, max(0, at))))
            self._next += 1
        return marks
