"""Readings and the way back to the source."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.reading import Reading, Segment, align, cover, tighten


def test_a_number_is_heard_when_its_last_syllable_ends():
    """25岁 as 二十五岁: nothing of 25 is heard before 五."""
    reading = Reading((Segment("二十五", 0, 2), Segment("岁", 2, 3)))
    assert [reading.heard(said) for said in range(5)] == [0, 0, 0, 2, 3]


def test_equal_stretches_are_heard_character_by_character():
    """A segment as long as its source counts one by one."""
    assert [Reading((Segment("我懂", 0, 2),)).heard(said) for said in range(3)] == [0, 1, 2]


def test_silent_stretches_count_with_what_precedes_them():
    """After 好, the sticker behind it is heard as well."""
    reading = Reading((Segment("好", 0, 1), Segment("", 1, 5), Segment("的", 5, 6)))
    assert [reading.heard(said) for said in range(3)] == [0, 5, 6]


def test_tighten_splits_off_common_ends():
    """约3~5分 as 约三到五分 shares 约 and 分."""
    assert tighten(Segment("约三到五分", 0, 5), "约3~5分") == [
        Segment("约", 0, 1),
        Segment("三到五", 1, 4),
        Segment("分", 4, 5),
    ]


def test_cover_fills_holes_with_silence():
    """What no segment covers becomes a silent segment."""
    assert cover([Segment("a", 1, 2)], 4).segments == (
        Segment("", 0, 1),
        Segment("a", 1, 2),
        Segment("", 2, 4),
    )


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_alignment_covers_both_sides_in_order(source: list[str], spoken: list[str]):
    """Blocks follow each other without hole on either side."""
    at, said = 0, 0
    for start, end, spoken_start, spoken_end in align(source, spoken):
        assert (start, spoken_start) == (at, said)
        assert end > start
        at, said = end, spoken_end
    assert at == len(source)
    assert said == (len(spoken) if source else 0)
