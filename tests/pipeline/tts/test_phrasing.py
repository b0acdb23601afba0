"""Phrases: languages and pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import Language, units
from pipeline.tts.phrasing import PAUSE_SECS, phrases
from pipeline.tts.speakable import speakable

BOTH: frozenset[Language] = frozenset({"zh", "en"})


def parts(text: str) -> list[tuple[str, str]]:
    """What is said by whom, without the white space between."""
    return [(text[p.start : p.end].strip(), p.language) for p in phrases(text, BOTH)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我懂。", [("我懂。", "zh")]),
        ("I see, I see.", [("I see, I see.", "en")]),
        ("今天的meeting怎么样？", [("今天的", "zh"), ("meeting", "en"), ("怎么样？", "zh")]),
        ("我用iPhone 15拍的", [("我用", "zh"), ("iPhone 15", "en"), ("拍的", "zh")]),
        ("我有PTSD，OK吗", [("我有PTSD，", "zh"), ("OK吗", "zh")]),
        ("买了5kg苹果", [("买了5kg苹果", "zh")]),
        ("I feel 很累 today", [("I feel ", "en"), ("很累 ", "zh"), ("today", "en")]),
        ("3.5，10:30见", [("3.5，", "zh"), ("10:30见", "zh")]),
        ("“好的。”她说", [("“好的。”", "zh"), ("她说", "zh")]),
        ("25", [("25", "zh")]),
        ("[委屈]", []),
        ("……", []),
        ("", []),
    ],
)
def test_phrases(text: str, expected: list[tuple[str, str]]):
    """One language each; short Latin tokens and units stay in Mandarin; numbers are not cut."""
    assert [(text[p.start : p.end], p.language) for p in phrases(text, BOTH)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("学习English，10分钟也好。", ["English，", "10分钟也好。"]),
        ("你吃Xanax，1天2次", ["Xanax，", "1天2次"]),
        ("我叫Ting，24小时都在。", ["Ting，", "24小时都在。"]),
        ("我在Google 3年了", ["Google", "3年了"]),
        ("我在Google 3 個月了", ["Google", "3 個月了"]),
        ("看Netflix 2-3个小时", ["Netflix", "2-3个小时"]),
        ("有iPhone 15，2台", ["iPhone 15，", "2台"]),
        ("我在Starbucks，10:30见", ["Starbucks，", "10:30见"]),
        ("我在Costco，$5的", ["Costco，", "$5的"]),
        ("每天Xanax 5mg，早上", ["Xanax", "5mg，", "早上"]),
    ],
)
def test_a_number_that_counts_in_mandarin_is_mandarin(text: str, expected: list[str]):
    """Before its measure word or unit, and behind a Mandarin mark, whatever stands before it."""
    assert [part for part, _ in parts(text)][1:] == expected
    assert [language for _, language in parts(text)][1:3] == ["en", "zh"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("iPhone 15很好", "iPhone 15"),
        ("iPhone 15、16都好", "iPhone 15、16"),
        ("iPhone 15Pro很好", "iPhone 15Pro"),
        ("Windows 11电脑", "Windows 11"),
        ("Monday，10 minutes也好", "Monday，10 minutes"),
        ("Step 1，深呼吸", "Step 1，"),
    ],
)
def test_a_number_that_counts_nothing_in_mandarin_stays_english(text: str, name: str):
    """In a name, and before an English word."""
    assert parts(text)[0] == (name, "en")


@pytest.mark.parametrize("text", ["喝2～3杯", "睡6–8小时", "做2—3次", "晚上11：05睡", "等了2、3天"])
def test_a_number_is_not_cut_at_a_mark_within_it(text: str):
    """A range, a time of day or an estimate is read as one."""
    assert parts(text) == [(text, "zh")]


def test_counting_is_cut():
    """Each number gets the pause of its mark."""
    assert len(phrases("吸气，1、2、3、4。", BOTH)) == 5


@pytest.mark.parametrize("text", ["24/7!", "2020.", "988", "50%"])
def test_a_text_without_words_is_in_the_language_of_the_call(text: str):
    """Numbers alone belong to no language; words outweigh it."""
    for default in BOTH:
        assert [p.language for p in phrases(text, BOTH, default)] == [default]
        assert [p.language for p in phrases(f"I said {text}", BOTH, default)] == ["en"]


def test_one_voice_takes_all():
    """Without an English voice, everything is given to the Mandarin one."""
    assert [p.language for p in phrases("我的meeting", frozenset({"zh"}))] == ["zh"]


def test_pauses_follow_the_kind_of_punctuation():
    """An enumeration comma is shorter than a comma, that than a full stop; none without a mark."""
    pauses = [p.pause_secs for p in phrases("苹果、梨，都好。走", BOTH)]
    assert pauses == [PAUSE_SECS["、"], PAUSE_SECS["，"], PAUSE_SECS["。"], 0.0]


def test_the_longest_of_several_marks_decides():
    """嗯，…… pauses as long as the dots do."""
    assert phrases("嗯，……", BOTH)[0].pause_secs == PAUSE_SECS["…"]


def test_punctuation_inside_a_sticker_is_no_pause():
    """What is not said does not shape the speech either."""
    assert phrases("好[。]的", BOTH)[0].pause_secs == 0.0


@given(st.text(alphabet="我不，。、！…「」aKbc 25.%:[]\n😀", max_size=40))
def test_phrases_are_ordered_disjoint_and_miss_no_unit(text: str):
    """Every speakable unit lies in exactly one phrase."""
    found = phrases(text, BOTH)
    at = 0
    for phrase in found:
        assert at <= phrase.start < phrase.end <= len(text)
        at = phrase.end
    assert bool(found) == speakable(text)
    if "[" not in text:
        for unit in units(text):
            assert sum(p.start <= unit.start and unit.end <= p.end for p in found) == 1
