"""Cutting a voice's output into chunks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.base import CharMark
from pipeline.tts.chunks import MAX_CHUNK_SAMPLES, chunked
from tests.pipeline.tts.speech import check_contract, marks, sound

LENGTHS = st.lists(st.integers(0, 15_000), max_size=6)


@given(LENGTHS, st.lists(st.tuples(st.integers(0, 12), st.integers(0, 90_000)), max_size=8))
def test_the_sum_of_the_chunks_is_the_whole(lengths: list[int], places: list[tuple[int, int]]):
    """Whatever the pieces and marks, no sample is lost and the contract holds."""
    audio = np.arange(sum(lengths), dtype=np.int16)
    cuts = np.split(audio, np.cumsum(lengths)[:-1]) if lengths else []
    given_marks = [CharMark(chars, at) for chars, at in sorted(places, key=lambda p: p[1])]
    pieces = [(pcm, given_marks if not index else []) for index, pcm in enumerate(cuts)]
    chunks = list(chunked(pieces, 10, lambda: False))
    check_contract(chunks, "x" * 10)
    assert np.array_equal(sound(chunks), audio)


def test_nothing_gives_one_empty_chunk_with_the_final_mark():
    """A text with nothing to say is heard at once."""
    (chunk,) = chunked([], 4, lambda: False)
    assert len(chunk.pcm) == 0
    assert chunk.marks == (CharMark(4, 0),)


def test_the_last_chunk_of_a_sound_is_not_empty():
    """The final mark comes with audio."""
    chunks = list(chunked([(np.zeros(MAX_CHUNK_SAMPLES, np.int16), [])], 1, lambda: False))
    assert len(chunks[-1].pcm) > 0


def test_a_mark_without_news_is_left_out():
    """Only marks that bring a further character, and the final one, are given."""
    pieces = [(np.zeros(9000, np.int16), [CharMark(1, 100), CharMark(1, 200), CharMark(2, 300)])]
    assert marks(list(chunked(pieces, 2, lambda: False))) == [
        CharMark(1, 100),
        CharMark(2, 300),
        CharMark(2, 9000),
    ]


def test_cancelling_ends_at_once():
    """No chunk follows once `cancelled` says so."""
    asked = iter([False, True])
    pieces = [(np.zeros(50_000, np.int16), [])]
    assert len(list(chunked(pieces, 1, lambda: next(asked)))) == 1
