"""Marks of a turn and what follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import MARKS
from pipeline.latency import MAX_OPEN_GENERATIONS, LatencyBook, TurnMarks

INSTANTS = st.dictionaries(st.sampled_from(MARKS), st.floats(0.0, 1e5))


@given(INSTANTS)
def test_marks_are_relative_to_the_end_of_speech(instants: dict[str, float]):
    """In the order of `MARKS`, whatever order they came in; none without `speech_end`."""
    marks = TurnMarks()
    for name, at in instants.items():
        marks.note(name, at)
    relative = marks.relative_ms()
    if "speech_end" not in instants:
        assert relative == {}
        return
    assert relative["speech_end"] == 0.0
    assert list(relative) == [name for name in MARKS if name in instants]
    for name, after_ms in relative.items():
        assert after_ms == pytest.approx((instants[name] - instants["speech_end"]) * 1e3, abs=0.06)


def test_the_first_instant_of_a_mark_holds():
    """A second clause has a first sample, too."""
    marks = TurnMarks()
    marks.note("speech_end", 1.0)
    marks.note("first_audio", 1.5)
    marks.note("first_audio", 9.0)
    assert marks.relative_ms()["first_audio"] == 500.0


def test_an_unknown_mark_is_a_mistake():
    """One name in code, wire, logs, bench and page."""
    with pytest.raises(ValueError, match="unknown mark"):
        TurnMarks().note("first_word", 1.0)


def test_generations_do_not_mix():
    """A dropped draft's marks are not those of the reply that was heard."""
    book = LatencyBook()
    book.note(1, "speech_end", 1.0)
    book.note(2, "speech_end", 2.0)
    book.note(2, "first_playout", 2.5)
    assert book.close(2, "turn_1", "reply_1").response_latency_ms == 500.0


def test_a_reply_to_nothing_spoken_has_no_latency():
    """A greeting is measured, but not from the end of anybody's speech."""
    book = LatencyBook()
    book.note(1, "first_playout", 3.0)
    measured = book.close(1, "", "reply_1")
    assert measured.response_latency_ms is None
    assert measured.marks_ms == {}


@given(st.integers(1, 4 * MAX_OPEN_GENERATIONS))
def test_drafts_that_come_to_nothing_are_forgotten(drafts: int):
    """The newest are kept, so a long call does not grow."""
    book = LatencyBook()
    for generation in range(drafts):
        book.note(generation, "speech_end", float(generation))
    open_now = [g for g in range(drafts) if book.close(g, "", "").marks_ms]
    assert len(open_now) <= MAX_OPEN_GENERATIONS


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=9))
def test_no_account_of_speculation_is_lost(turns: list[list[int]]):
    """Replies that never sounded leave theirs to the next that does; each is told once."""
    book = LatencyBook()
    told = 0.0
    for generation, amounts in enumerate(turns):
        for amount in amounts:
            book.note_ledger({"misses": float(amount)})
        ledger = book.close(generation, "turn_1", "reply_1").ledger
        assert ledger == ({"misses": float(sum(amounts))} if amounts else {})
        told += sum(ledger.values())
    assert told == sum(map(sum, turns))
