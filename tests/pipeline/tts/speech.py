"""What every speech test needs: listen to the end, and check the contract of `Voice`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from pipeline.audio import Int16Array
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle, Voice
from pipeline.tts.chunks import MAX_CHUNK_SAMPLES

# Any text at all, and texts of the kind that has broken speech engines.
ODD_TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(
        alphabet="我不一儿得，。0123456789.-:/%$ aKT[]()*#~^_😀éİ\u200d\n\x00﹏〇𠮷ㄅあ",
        max_size=30,
    ),
)


def say(voice: Voice, text: str, style: SpeechStyle | None = None) -> list[SpeechChunk]:
    """All chunks of `text`."""
    return list(voice.synthesise(text, style or SpeechStyle(), lambda: False))


def sound(chunks: Sequence[SpeechChunk]) -> Int16Array:
    """The samples of all chunks."""
    return np.concatenate([chunk.pcm for chunk in chunks])


def marks(chunks: Sequence[SpeechChunk]) -> list[CharMark]:
    """The marks of all chunks."""
    return [mark for chunk in chunks for mark in chunk.marks]


def check_contract(chunks: Sequence[SpeechChunk], text: str) -> None:
    """Chunk length, marks that lie inside their chunk and never fall, and the final mark."""
    assert chunks
    begin, last = 0, CharMark(0, 0)
    for chunk in chunks:
        assert chunk.pcm.dtype == np.int16
        assert len(chunk.pcm) <= MAX_CHUNK_SAMPLES
        end = begin + len(chunk.pcm)
        for mark in chunk.marks:
            assert begin <= mark.samples <= end
            assert last.chars <= mark.chars <= len(text)
            assert last.samples <= mark.samples
            last = mark
        begin = end
    assert chunks[-1].marks[-1] == CharMark(len(text), begin)
