"""Silence before and after a phrase."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.base import CharMark
from pipeline.tts.edges import LEAD_SAMPLES, TAIL_SAMPLES, EdgeTrimmer

SILENCE = np.zeros(3000, np.int16)
TONE = np.full(2000, 5000, np.int16)
PHRASE = np.concatenate((SILENCE, TONE, SILENCE, TONE, SILENCE))
MARKS = [CharMark(1, 5000), CharMark(2, 9000), CharMark(3, 12500)]


def trim(cuts: list[int]) -> tuple[np.ndarray, list[CharMark]]:
    """PHRASE pushed in pieces cut at `cuts`, its marks with the piece they lie in."""
    trimmer = EdgeTrimmer()
    borders = [0, *sorted(cuts), len(PHRASE)]
    given_out, marks = [], []
    for start, end in pairwise(borders):
        inside = [mark for mark in MARKS if start < mark.samples <= end]
        pcm, passed = trimmer.push(PHRASE[start:end], inside)
        given_out.append(pcm)
        marks += passed
    pcm, passed = trimmer.finish()
    return np.concatenate([*given_out, pcm]), marks + passed


def test_edges_go_and_inner_silence_stays():
    """20 ms stay in front, 40 ms behind, the pause in the middle is untouched."""
    pcm, _ = trim([])
    assert len(pcm) == LEAD_SAMPLES + len(TONE) + len(SILENCE) + len(TONE) + TAIL_SAMPLES


def test_a_soft_phrase_keeps_its_length():
    """Its consonants are softer than a loud one's silence."""
    soft = (PHRASE // 50).astype(np.int16)
    trimmer = EdgeTrimmer(volume=0.02)
    pcm = np.concatenate([trimmer.push(soft, [])[0], trimmer.finish()[0]])
    assert len(pcm) == len(trim([])[0])


def test_marks_move_with_the_sound():
    """A mark keeps its place in the sound; one in the trimmed silence moves to the end."""
    pcm, marks = trim([])
    dropped = len(SILENCE) - LEAD_SAMPLES
    assert marks == [
        CharMark(1, 5000 - dropped),
        CharMark(2, 9000 - dropped),
        CharMark(3, len(pcm)),
    ]


def test_nothing_comes_of_silence():
    """A phrase without sound gives no samples, but its marks."""
    trimmer = EdgeTrimmer()
    assert len(trimmer.push(SILENCE, [CharMark(1, 100)])[0]) == 0
    pcm, marks = trimmer.finish()
    assert len(pcm) == 0
    assert marks == [CharMark(1, 0)]


@given(st.lists(st.integers(0, len(PHRASE)), max_size=12))
def test_any_cutting_gives_the_same_result(cuts: list[int]):
    """Samples and marks do not depend on how the phrase arrives."""
    pcm, marks = trim(cuts)
    whole, whole_marks = trim([])
    assert np.array_equal(pcm, whole)
    assert marks == whole_marks
