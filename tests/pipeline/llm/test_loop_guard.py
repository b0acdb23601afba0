"""A reply that runs in circles is noticed, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.loop_guard import LOOP_REPEATS, LOOP_UNITS, LoopGuard, ends_in_loop


@pytest.mark.parametrize(
    "text",
    [
        "我理解你。" * 4,
        "你可以试着深呼吸，然后放松。" * 3,
        "I understand how you feel. " * 3 + "I",
        "哈" * 12,
        "…" * 30,
        "😊" * 24,
    ],
)
def test_loops_are_found(text):
    """A phrase repeated over and over is a loop, whatever stands between the repeats."""
    assert LoopGuard().feed(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "谢谢谢谢，真的谢谢你。",
        "对对对，我懂。",
        "no, no, no, that is not what I meant",
        "哈哈哈哈哈哈",
        "慢慢来，一步一步来。今天先睡好，明天先吃好，后天再说工作的事。",
        "一二三四五六七八九十一二三四五六七八九十",
        "你睡得好吗？你吃得好吗？你过得好吗？",
        "——————",
    ],
)
def test_speech_is_no_loop(text):
    """Emphasis, laughter and parallel sentences are speech."""
    assert LoopGuard().feed(text) is None


@given(st.text(alphabet="我你ab ，。", max_size=60), st.lists(st.integers(0, 60), max_size=10))
def test_any_cutting_finds_the_loop_at_the_same_character(text, borders):
    """Where a loop ends does not depend on how the text was cut."""
    whole = LoopGuard().feed(text)
    pieces, position, found = LoopGuard(), 0, None
    inside = sorted({border for border in borders if border < len(text)})
    for start, end in zip([0, *inside], [*inside, len(text)], strict=True):
        at = pieces.feed(text[start:end])
        if at is not None and found is None:
            found = position + at
        position += end - start
    assert found == whole


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), st.integers(1, 12))
def test_repeats_alone_decide(phrase, repeats):
    """A phrase repeated LOOP_REPEATS times over LOOP_UNITS units is always a loop."""
    long_enough = repeats >= LOOP_REPEATS and len(phrase) * repeats >= LOOP_UNITS
    assert ends_in_loop(tuple(phrase * repeats)) or not long_enough


def test_a_loop_stays_a_loop():
    """Nothing after the loop is accepted."""
    guard = LoopGuard()
    guard.feed("哈" * 20)
    assert guard.feed("好的") == 0
