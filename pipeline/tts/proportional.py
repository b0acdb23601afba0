"""Which character is being said, for voices that do not tell: an estimate from the pace."""

from __future__ import annotations

from itertools import pairwise

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.text import Unit, units
from pipeline.tts.base import CharMark
from pipeline.tts.reading import Reading

_LETTERS_PER_SYLLABLE = 3.0  # of English text: about 4.7 letters and 1.5 syllables a word
_FIRST_GUESS_SECS = 0.22  # 4 to 5 syllables a second, read aloud, in either language
_LEARNING_SHARE = 0.3  # of a new clause: a voice is known after five
_FEWEST_SYLLABLES = 4  # the silence around a shorter clause would be learned as speech
_BOUNDS_SECS = (0.08, 0.6)  # beyond is no speech


class SpeakingPace:
    """How long a voice takes for a syllable at rate 1.0, learned from what it has said.

    Several threads may share it; a lost update is as good as any other clause.
    """

    def __init__(self) -> None:
        self._secs = _FIRST_GUESS_SECS

    @property
    def secs_per_syllable(self) -> float:
        """The present estimate."""
        return self._secs

    def learn(self, n_syllables: float, secs: float) -> None:
        """A text of `n_syllables` took `secs` at rate 1.0."""
        if n_syllables < _FEWEST_SYLLABLES:
            return
        least, most = _BOUNDS_SECS
        latest = min(most, max(least, secs / n_syllables))
        self._secs += _LEARNING_SHARE * (latest - self._secs)


def syllables(spoken: str) -> float:
    """About how many syllables a normalised text has."""
    return sum(_weight(unit) for unit in units(spoken))


def estimated_marks(reading: Reading, secs_per_syllable: float) -> list[CharMark]:
    """Marks at 24 kHz for every unit but the last, whose end is known when the sound ends.

    The pieces of `chunked` may all carry them in front: those beyond the sound's end are
    left out, and its final mark corrects the rest.
    """
    spoken = units(reading.spoken)
    marks: list[CharMark] = []
    said = 0.0
    for unit, following in pairwise(spoken):
        said += _weight(unit)
        chars = reading.heard(following.start)
        marks.append(CharMark(chars, round(said * secs_per_syllable * OUTPUT_RATE_HZ)))
    return marks


def _weight(unit: Unit) -> float:
    if unit.kind == "cjk":
        return 1.0
    if unit.kind == "number":
        return float(sum(character.isdigit() for character in unit.text))
    return max(1.0, len(unit.text) / _LETTERS_PER_SYLLABLE)
