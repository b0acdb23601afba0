"""Cut a voice's output into chunks that keep the promises of `SpeechChunk`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.tts.base import CharMark, SpeechChunk

MAX_CHUNK_SAMPLES = OUTPUT_RATE_HZ // 4  # 0.25 s
# Kept back until it is known whether more follows, so that the chunk with the final mark
# is never an empty one behind the sound.
_HELD_SAMPLES = OUTPUT_RATE_HZ // 100  # 10 ms
_MIN_CHUNK_SAMPLES = OUTPUT_RATE_HZ // 50  # 20 ms; less waits for what follows

# Audio, and marks in order; a mark may lie in a later piece, never in an earlier one.
Piece: TypeAlias = tuple[Int16Array, Sequence[CharMark]]


def chunked(
    pieces: Iterable[Piece], text_length: int, cancelled: Callable[[], bool]
) -> Iterator[SpeechChunk]:
    """Chunks of at most 0.25 s with marks that never fall, the last one at `text_length`.

    A mark that brings no further character is left out.

    Args:
        pieces: Audio in order, at any length; marks count samples from the first piece on.
        text_length: Characters of the text.
        cancelled: Asked before every chunk; True ends the iteration.
    """
    waiting: list[CharMark] = []
    held = np.zeros(0, np.int16)
    chars, done = 0, 0

    def chunk(pcm: Int16Array) -> SpeechChunk:
        nonlocal chars, done
        end = done + len(pcm)
        inside: list[CharMark] = []
        while waiting and waiting[0].samples <= end:
            mark = waiting.pop(0)
            if mark.chars > chars:
                chars = min(text_length, mark.chars)
                inside.append(CharMark(chars, max(done, mark.samples)))
        done = end
        pcm.setflags(write=False)  # a cached clause is given out again
        return SpeechChunk(pcm, tuple(inside))

    for pcm, marks in pieces:
        held = np.concatenate((held, pcm))
        waiting.extend(marks)
        while len(held) >= _HELD_SAMPLES + _MIN_CHUNK_SAMPLES:
            length = min(MAX_CHUNK_SAMPLES, len(held) - _HELD_SAMPLES)
            if cancelled():
                return
            yield chunk(held[:length])
            held = held[length:]
    if cancelled():
        return
    last = chunk(held)
    yield SpeechChunk(last.pcm, (*last.marks, CharMark(text_length, done)))
