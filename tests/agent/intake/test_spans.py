"""Quotes are found literally, whatever the script, the width and the punctuation."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.intake.spans import Span, clauses, find, fold

TEXTS = st.text(st.sampled_from("我睡不著 着，。AbＣ１2'’…"), max_size=30)


@given(TEXTS)
def test_folding_keeps_every_character_in_its_place(text):
    """A place in the folded text is the same place in the caller's words."""
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "quote", "said"),
    [
        ("我晚上睡不著，很累", "睡不着", "睡不著"),
        ("三個 月了", "三个月", "三個 月"),
        ("I can’t sleep", "CAN'T sleep", "can’t sleep"),
        ("大概，三个月", "大概三个月", "大概，三个月"),
    ],
)
def test_a_quote_is_found_in_the_callers_own_writing(text, quote, said):
    """What is given back is what was said, not what was asked for."""
    span = find(text, quote)
    assert span is not None
    assert span.of(text) == said


@pytest.mark.parametrize(
    ("text", "quote"),
    [("我睡不好", "我睡得好"), ("I sleep", "slee"), ("someone", "one"), ("嗯", ""), ("", "我")],
)
def test_what_was_not_said_is_not_found(text, quote):
    """Neither other words, nor pieces of a Latin word, nor nothing."""
    assert find(text, quote) is None


@given(TEXTS)
def test_clauses_cover_every_letter_once(text):
    """Only punctuation and spaces fall between clauses."""
    spans = clauses(text)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    inside = "".join(span.of(text) for span in spans)
    assert [one for one in inside if one.isalnum()] == [one for one in text if one.isalnum()]


def test_english_is_parted_before_a_new_subject_but_not_inside_a_couple():
    """`my wife and I` is one subject."""
    text = "my wife and I fight and I can't sleep"
    assert [span.of(text) for span in clauses(text)] == ["my wife and I fight", "I can't sleep"]


def test_spans_that_only_touch_do_not_overlap():
    """Ends are not part of a span."""
    assert not Span(0, 3).overlaps(Span(3, 5))
    assert Span(0, 4).overlaps(Span(3, 5))
