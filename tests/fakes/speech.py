"""Sound that carries its text exactly.

Every character is 0.2 s of a square wave whose amplitude names it, so a fake recogniser
can read any window of a recording, and a test can read what a loudspeaker really played.
Real speech would make the scenarios depend on a model's mood; these test the loop.
"""

from __future__ import annotations

import numpy as np

from pipeline.audio import Int16Array

SYLLABLE_SECS = 0.2
_STEP = 40
_BASE = 4_000
# A syllable counts as heard when this share of it is there.
_ENOUGH = 0.6

_codes: dict[str, int] = {}


def _amplitude(character: str) -> int:
    code = _codes.setdefault(character, len(_codes))
    return _BASE + _STEP * code


def forget() -> None:
    """Give out the amplitudes anew, the faintest first: what sounded before is unreadable."""
    _codes.clear()


def speak(text: str, rate_hz: int, syllable_secs: float = SYLLABLE_SECS) -> Int16Array:
    """The sound of `text`: int16, shape (len(text) * syllable samples,)."""
    n = round(syllable_secs * rate_hz)
    sign = np.where(np.arange(n) // 20 % 2 == 0, 1, -1)
    waves = [sign * _amplitude(character) for character in text]
    return np.concatenate(waves).astype(np.int16) if waves else np.zeros(0, dtype=np.int16)


def listen(samples: Int16Array, rate_hz: int, syllable_secs: float = SYLLABLE_SECS) -> str:
    """The text in `samples`; a syllable of which most is missing is not heard."""
    n = round(syllable_secs * rate_hz)
    names = {amplitude: character for character, amplitude in _amplitudes().items()}
    magnitudes = np.abs(samples.astype(np.int32))
    borders = np.flatnonzero(np.diff(magnitudes)) + 1
    text = []
    for run in np.split(magnitudes, borders):
        character = names.get(int(run[0])) if len(run) else None
        if character is not None:
            text.append(character * int(len(run) / n + 1 - _ENOUGH))
    return "".join(text)


def _amplitudes() -> dict[str, int]:
    return {character: _BASE + _STEP * code for character, code in _codes.items()}
