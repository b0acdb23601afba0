"""Marks of a clause whose length is not known before it ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.base import CharMark
from pipeline.tts.chattts.marks import ProportionalMarks
from pipeline.tts.chattts.prompt import SpokenEnd

FOUR = [SpokenEnd(float(at), at) for at in (1, 2, 3, 4)]


def test_known_length_spreads_the_units_evenly():
    """Four syllables in 400 samples end every 100."""
    marks = ProportionalMarks(FOUR, 50.0).advance(400, 400)
    assert marks == [CharMark(1, 100), CharMark(2, 200), CharMark(3, 300), CharMark(4, 400)]


def test_unknown_length_goes_by_the_pace_and_holds_the_last_unit():
    """However long the clause takes, its end is not heard before it is known."""
    marks = ProportionalMarks(FOUR, 100.0)
    assert marks.advance(250, None) == [CharMark(1, 100), CharMark(2, 200)]
    assert marks.advance(10_000, None) == [CharMark(3, 300)]
    assert marks.advance(500, 500) == [CharMark(4, 10_750)]


def test_a_clause_shorter_than_expected_is_corrected_at_its_end():
    """What the estimate had left over is spread over what is left."""
    marks = ProportionalMarks(FOUR, 1000.0)
    assert marks.advance(1000, None) == [CharMark(1, 1000)]
    assert marks.advance(300, 300) == [CharMark(2, 1100), CharMark(3, 1200), CharMark(4, 1300)]


def test_a_text_without_units_has_no_marks():
    """And no error."""
    assert ProportionalMarks([], 100.0).advance(100, 100) == []


@given(
    steps=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=12),
    pieces=st.lists(st.integers(0, 900), max_size=8),
    last=st.integers(1, 900),
    pace=st.floats(1.0, 2000.0),
)
def test_marks_stay_in_their_piece_and_end_with_the_audio(
    steps: list[float], pieces: list[int], last: int, pace: float
):
    """Any pace, any cutting: in order, inside, each unit once, the last at the end."""
    weights = [sum(steps[: at + 1]) for at in range(len(steps))]
    ends = [SpokenEnd(weight, at + 1) for at, weight in enumerate(weights)]
    marks = ProportionalMarks(ends, pace)
    found: list[CharMark] = []
    begin = 0
    for length, left in [*((piece, None) for piece in pieces), (last, last)]:
        given_now = marks.advance(length, left)
        assert all(begin <= mark.samples <= begin + length for mark in given_now)
        found += given_now
        begin += length
    assert [mark.chars for mark in found] == [end.chars for end in ends]
    assert [mark.samples for mark in found] == sorted(mark.samples for mark in found)
