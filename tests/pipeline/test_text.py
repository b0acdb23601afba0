"""Text units and everything that counts in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import (
    Language,
    common_prefix_length,
    count_units,
    edit_distance,
    join,
    keys,
    language_of,
    same_words,
    similarity,
    unit_error_rate,
    units,
)

MIXED = st.text(alphabet="我你好累。，!? abcAB12.5'-\n[]😊é", max_size=40)
WORDS = st.lists(st.sampled_from("我你好累a"), max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("。，！ …😊", []),
        ("我觉得累", ["我", "觉", "得", "累"]),
        ("I don't know", ["I", "don't", "know"]),
        ("a well-known one", ["a", "well-known", "one"]),
        ("用iPhone打1,000个", ["用", "iPhone", "打", "1,000", "个"]),
        ("10:30见，3.5折，20%", ["10:30", "见", "3.5", "折", "20%"]),
        ("3. 好", ["3", "好"]),
        ("snake_case", ["snake", "case"]),
        ("〇ㄅあ", ["〇", "ㄅ", "あ"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("café", ["café"]),
    ],
)
def test_units(text: str, expected: list[str]) -> None:
    """A CJK character, a Latin word and a number are each one unit."""
    assert [unit.text for unit in units(text)] == expected
    assert count_units(text) == len(expected)


def test_unit_kinds() -> None:
    """Each unit says what it is."""
    assert [unit.kind for unit in units("我 am 25")] == ["cjk", "word", "number"]


@given(MIXED)
def test_units_stand_where_they_say(text: str) -> None:
    """`source[start:end] == text`, in order and without overlap."""
    position = 0
    for unit in units(text):
        assert text[unit.start : unit.end] == unit.text
        assert position <= unit.start < unit.end
        position = unit.end


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("我很累。", "我很累", True),
        ("Hello, World", "hello world!", True),
        ("１０点", "10点", True),
        ("我很累", "我不累", False),
        ("", "。", True),
    ],
)
def test_same_words(left: str, right: str, same: bool) -> None:
    """Punctuation, spacing, width and case do not make a difference."""
    assert same_words(left, right) is same


def test_keys_fold_width_and_case() -> None:
    """Keys are what comparisons see."""
    assert keys("ＯＫ，我懂 It's") == ("ok", "我", "懂", "it's")


@pytest.mark.parametrize(
    ("left", "right", "length"),
    [([], [], 0), (["a"], [], 0), (["a", "b"], ["a", "c"], 1), (["a", "b"], ["a", "b", "c"], 2)],
)
def test_common_prefix_length(left: list[str], right: list[str], length: int) -> None:
    """Counts shared leading items."""
    assert common_prefix_length(left, right) == length


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("我很累", "我累", 1)],
)
def test_edit_distance(left: str, right: str, distance: int) -> None:
    """Insertions, deletions and substitutions each cost one."""
    assert edit_distance(left, right) == distance


@given(WORDS, WORDS, WORDS)
def test_edit_distance_is_a_metric(one: list[str], two: list[str], three: list[str]) -> None:
    """Zero only for equals, symmetric, and no detour is shorter."""
    assert (edit_distance(one, two) == 0) is (one == two)
    assert edit_distance(one, two) == edit_distance(two, one)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)


@pytest.mark.parametrize(
    ("hypothesis", "reference", "rate"),
    [("我很类", "我很累", 1 / 3), ("", "我很累", 1.0), ("", "", 0.0), ("好", "", 1.0)],
)
def test_unit_error_rate(hypothesis: str, reference: str, rate: float) -> None:
    """Edits per reference unit; words against silence count as one full error."""
    assert unit_error_rate(hypothesis, reference) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [("", "", 1.0), ("我很累", "我很累！", 1.0), ("我很累", "", 0.0), ("我很累", "我累", 2 / 3)],
)
def test_similarity(left: str, right: str, expected: float) -> None:
    """One minus the edit distance over the longer length."""
    assert similarity(left, right) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("我用 iPhone", "en", "zh"),
        ("hello 25", "zh", "en"),
        ("25", "en", "en"),
        ("25", "zh", "zh"),
        ("", "en", "en"),
    ],
)
def test_language_of(text: str, default: Language, expected: Language) -> None:
    """One CJK character makes a text Chinese; numbers alone say nothing."""
    assert language_of(text, default) == expected


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ("I am", "tired", "I am tired"),
        ("我很", "累", "我很累"),
        ("我用", "iPhone", "我用iPhone"),
        ("room", "25", "room 25"),
        ("well ", " , fine", "well, fine"),
        ("", "好", "好"),
        ("好", "", "好"),
        ("done.", "Next", "done. Next"),
    ],
)
def test_join(left: str, right: str, joined: str) -> None:
    """A space goes only between two Latin words or numbers."""
    assert join(left, right) == joined


@given(MIXED, MIXED)
def test_join_keeps_every_unit_of_chinese(left: str, right: str) -> None:
    """Joining loses no character but spaces."""
    assert join(left, right).replace(" ", "").replace("\n", "") == (left + right).replace(
        " ", ""
    ).replace("\n", "")
