"""Readings that the neighbours or the traditional script decide."""

from __future__ import annotations

import pytest

from pipeline.tts.normalise import normalise
from pipeline.tts.pinyin import dictionary_sounds
from pipeline.tts.polyphones import told_alone, told_by_context, told_by_script


@pytest.mark.parametrize(
    ("text", "place", "sound"),
    [
        ("请看第三行", 4, "hang2"),
        ("我数到三", 1, "shu3"),
        ("他得了抑郁症", 1, "de2"),
        ("我得走了", 1, "dei3"),
        ("我受不了", 3, "liao3"),
        ("把这里当作家", 3, "dang4"),
    ],
)
def test_the_neighbours_decide(text: str, place: int, sound: str):
    """One character, one place, one sound."""
    assert told_by_context(text)[place] == sound


@pytest.mark.parametrize(
    ("text", "sound"),
    [("短髮", "fa4"), ("出發", "fa1"), ("兩隻", "zhi1"), ("好乾", "gan1"), ("能幹", "gan4")],
)
def test_the_traditional_character_decides(text: str, sound: str):
    """What simplified characters have merged stays apart."""
    reading = normalise(text, "zh")
    assert told_by_script(reading, text)[1] == sound


def test_a_character_that_stays_itself_is_left_to_the_dictionary():
    """乾坤 keeps the 乾 that is no 干."""
    reading = normalise("扭轉乾坤", "zh")
    assert told_by_script(reading, "扭轉乾坤") == {}
    assert dictionary_sounds(reading.spoken)[2] == "qian2"


def test_a_number_before_it_does_not_move_the_character():
    """The index counts spoken characters: 25 is three of them."""
    text = "25隻貓"
    reading = normalise(text, "zh")
    told = told_by_script(reading, text)
    assert [reading.spoken[index] for index in told] == ["只"]
    assert dictionary_sounds(reading.spoken, told)[3] == "zhi1"


def test_a_character_alone_is_a_word_of_everyday_speech():
    """盛 on its own fills a bowl; 我 is left to the dictionary."""
    assert told_alone("盛") == "cheng2"
    assert told_alone("我") is None


def test_what_is_certain_wins_over_the_dictionary():
    """A sound that is known is said, tone and all."""
    assert dictionary_sounds("发", {0: "fa4"}) == {0: "fa4"}
