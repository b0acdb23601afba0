"""Long audio in pieces that a recogniser takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.audio import INPUT_RATE_HZ, FloatArray

# Each piece is heard in one language: shorter ones lose less where the speaker changes it,
# and below ten seconds Whisper base drops words at the cuts.
LONGEST_PIECE_SECS = 12.0
_SEARCH_SECS = 7.0  # a piece ends at the quietest moment of its last seconds
_STEP_SECS = 0.1


def pieces(audio: FloatArray) -> Iterator[FloatArray]:
    """Cut long audio (float32, mono, 16 kHz) into pieces that a recogniser takes.

    The pieces join to `audio`; each but the last ends in the quietest tenth of a second
    of its last seven seconds.
    """
    longest = round(LONGEST_PIECE_SECS * INPUT_RATE_HZ)
    searched = round(_SEARCH_SECS * INPUT_RATE_HZ)
    step = round(_STEP_SECS * INPUT_RATE_HZ)
    start = 0
    while len(audio) - start > longest:
        tail = audio[start + longest - searched : start + longest]
        energy = np.square(tail.reshape(-1, step)).sum(axis=1)
        end = start + longest - searched + int(energy.argmin()) * step + step // 2
        yield audio[start:end]
        start = end
    yield audio[start:]
